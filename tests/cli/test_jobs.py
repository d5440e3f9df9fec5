"""``dnn_saliency -jobs N``: the same files, with images read and figures drawn in other processes."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from saliency.cli.figure_maps import FigureMaps
from tests.cli.saliency_command import BASE, BUNDLED, run, table
from tests.cli.stopped_runs import kill_and_interrupt

pytestmark = pytest.mark.needs("torch")
NAMES = [f"scene_{i:02d}.png" for i in range(17)]


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def state(pid):
    """Return the state and the parent of a process; None if there is no such process."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return state, int(parent)


def children(pid):
    """Return the process ids of the children of a process."""
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return [one for one in pids if (state(one) or ("", 0))[1] == pid]


def is_running(pid):
    return (state(pid) or "Z")[0] not in ("Z", "X")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The arguments of a run, except for the output folder, and the files of a run without other processes."""
    folder = tmp_path_factory.mktemp("alone")
    arguments = [*BUNDLED[:4], "-chn", "4", "top", "-stim", table(folder, [*NAMES[:8], "none.png", *NAMES[8:]]), "-save", "h5"]
    from saliency.cli.dnn_saliency import main

    assert main([*arguments, "-out", str(folder / "out")]) == 1
    return [*arguments, "-out"], files(folder / "out")


def test_the_files_are_the_same(alone, tmp_path, capsys):
    arguments, expected = alone
    status, printed, errors = run(capsys, *arguments, tmp_path / "out", "-jobs", "2")
    assert (status, printed) == (1, "Finish: 6/18\nFinish: 12/18\nFinish: 18/18\n")
    assert "none.png: MISSING" in errors and "17 done, 1 failed" in errors
    assert files(tmp_path / "out") == expected and not multiprocessing.active_children()


def test_a_killed_process_is_replaced_and_an_interrupted_run_resumes(alone, tmp_path, capsys, monkeypatch):
    arguments, expected = alone
    kill_and_interrupt(monkeypatch, FigureMaps, "compute")
    status, printed, errors = run(capsys, *arguments, tmp_path / "out", "-jobs", "1")
    assert (status, printed) == (130, "Finish: 6/18\n") and "run the same command again to resume" in errors
    assert not multiprocessing.active_children()
    left = {name for name in files(tmp_path / "out") if not name.startswith(".DemoNet_fc1_chn4-top_guided_RGB_fig1.")}
    assert len(left) == 2 and {name.rpartition(".")[2] for name in left} == {"journal", "jpg"}
    status, printed, errors = run(capsys, *arguments, tmp_path / "out")  # it may resume without other processes
    assert (status, printed) == (1, "Finish: 12/18\nFinish: 18/18\n") and "resuming after 6 stimuli" in errors
    assert files(tmp_path / "out") == expected


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no list of processes")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left(number, alone, tmp_path, start_command):
    arguments, _ = alone
    process = start_command("dnn_saliency", [*arguments, tmp_path / "out", "-jobs", "1"])
    while process.is_running() and not (tmp_path / "out").exists():
        time.sleep(0.01)
    started, until = [], time.monotonic() + 60
    while process.is_running() and len(started) < 2 and time.monotonic() < until:  # the worker, and Python's resource tracker
        started = children(process.pid)
        time.sleep(0.01)
    os.kill(process.pid, number)
    assert process.wait() == (143 if number == signal.SIGTERM else -number)
    until = time.monotonic() + 30
    while any(map(is_running, started)) and time.monotonic() < until:
        time.sleep(0.05)
    assert len(started) == 2 and not any(map(is_running, started))


def test_the_failures_allowed_are_those_of_a_run_without_processes(tmp_path, capsys):
    stim = table(tmp_path, [*NAMES[:6], "none.png", "no.png", *NAMES[6:]])
    for options, printed in ((["-strict"], "Finish: 6/19\n"), (["-jobs", "1", "-strict"], "Finish: 6/19\n")):
        status, found, errors = run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path / "out", *options, "-overwrite")
        assert status == 1 and found == printed and errors.count("MISSING") == 1 and "-max-errors is 0" in errors
        assert sorted(files(tmp_path / "out")) == [f".{BASE}.journal", f"{BASE}_fig1.jpg"]
        for path in (tmp_path / "out").iterdir():
            path.unlink()


def test_figures_in_other_processes_are_not_shown(tmp_path, capsys):
    status, _, errors = run(capsys, *BUNDLED, "-stim", table(tmp_path, NAMES), "-out", tmp_path / "out", "-show", "-jobs", "1")
    assert status == 2 and "leave out -show or -jobs" in errors and not (tmp_path / "out").exists()

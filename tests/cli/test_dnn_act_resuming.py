"""Runs of ``dnn_act`` that end early: the same command resumes them and writes the same file."""

import os
import signal
import time
from pathlib import Path

import pytest

import saliency
from saliency.cli import dnn_act
from saliency.cli.activation_files import ActivationFiles
from tests.cli.activation_command import DEMO, SCENES, arrays, assert_same, run, table

needs_torch, needs_tf = pytest.mark.needs("torch"), pytest.mark.needs("tensorflow")


MOMENTS = {
    "before the first values": ("saliency.io.raw_layer", "RawFileLayer.write_stimuli", 1),
    "between the layers of a batch": ("saliency.io.raw_layer", "RawFileLayer.write_stimuli", 4),
    "before a batch is recorded": ("saliency.cli.journal", "Journal.add", 2),
    "while the file is written": ("saliency.io.act", "write_layer", 2),
    "before the file is recorded": ("saliency.cli.journal", "Journal.add", 5),
    "before the table of errors": ("saliency.cli.run_log", "write_failures", 1),
    "while the parts are removed": ("os", "rmdir", 1),
    "before the journal is removed": ("saliency.cli.journal", "Journal.finish", 1),
}
LONG = "-net DemoNet -layer pool2 fc1 -stim some.stim.csv -batch 2 -out out/x.act.h5"


@needs_torch
def test_a_run_that_is_killed_at_any_moment_can_be_resumed(folder, capsys, start_command):
    """Kill one run per moment, each in its own folder. The same command then writes the same files as an undisturbed run."""
    table("some", [*SCENES[:4], "none.png", *SCENES[4:]], DEMO / "scenes")
    names = ["undisturbed", *(f"killed{i}" for i in range(len(MOMENTS)))]
    for name in names:
        (folder / name / "out").mkdir(parents=True)
        (folder / name / "some.stim.csv").write_bytes((folder / "some.stim.csv").read_bytes())

    for name, moment in zip(names[1:], MOMENTS.values(), strict=True):
        assert start_command("dnn_act", LONG.split(), folder / name, moment).wait() == -signal.SIGKILL, moment
    for name in names:
        os.chdir(folder / name)
        if name != "undisturbed":
            assert (Path("out") / ".x.act.h5.journal").exists()
        assert dnn_act.main(LONG.split()) == 1, name
        assert sorted(path.name for path in Path("out").iterdir()) == ["x.act.h5", "x_errors.csv"], name
        assert_same(arrays("out/x.act.h5"), arrays(folder / "undisturbed" / "out" / "x.act.h5"))
        assert Path("out/x_errors.csv").read_bytes() == (folder / "undisturbed" / "out" / "x_errors.csv").read_bytes()
    assert "resuming after 2 stimuli" in capsys.readouterr().err


@needs_torch
def test_a_run_that_another_process_kills_can_be_resumed(folder, capsys, start_command):
    table("some", [f"scene_{i:02d}.png" for i in range(24)])
    (folder / "out").mkdir()
    process = start_command("dnn_act", LONG.split(), folder, streams={1: folder / "printed"})
    while process.is_running() and not (Path("printed").exists() and Path("printed").read_text()):
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -signal.SIGKILL and Path("printed").read_text().startswith("Finish: 2/24\n")
    again = LONG.removeprefix("-net DemoNet ")
    assert run(capsys, again)[0] == 0
    assert [path.name for path in (folder / "out").iterdir()] == ["x.act.h5"]
    run(capsys, again.replace("out/x", "y"))
    assert_same(arrays("out/x.act.h5"), arrays("y.act.h5"))


@needs_torch
def test_an_interrupted_run_can_be_resumed_and_another_one_is_refused(folder, capsys, monkeypatch):
    puts, put = [], saliency.io.raw_layer.RawFileLayer.write_stimuli

    def stop(part, *arguments):
        puts.append(part)
        if len(puts) == stop.at:
            raise KeyboardInterrupt
        put(part, *arguments)

    monkeypatch.setattr("saliency.io.raw_layer.RawFileLayer.write_stimuli", stop)
    command = "-layer pool2 fc1 -stim seven.stim.csv -batch 3 -out x.act.h5"
    before = sorted(folder.iterdir())
    stop.at = 2
    assert run(capsys, command)[::2] == (130, "dnn_act: interrupted; run the same command again to resume\n")
    assert sorted(folder.iterdir()) == before
    stop.at = 2 + 4
    assert run(capsys, command)[0] == 130
    status, _, errors = run(capsys, f"{command} -pool max")
    assert status == 2 and "unfinished run with other arguments: -pool (was None, is now max)" in errors
    status, printed, errors = run(capsys, command)
    assert (status, printed, errors) == (0, "Finish: 6/7\nFinish: 7/7\n", "dnn_act: resuming after 3 stimuli\n")
    stop.at = len(puts) + 4
    assert run(capsys, f"{command} -overwrite")[0] == 130
    assert run(capsys, f"{command} -pool max -overwrite")[0] == 0
    assert arrays("x.act.h5")["pool2"].shape == (7, 32, 1, 1)
    assert sorted(folder.iterdir()) == sorted([*before, folder / "x.act.h5"])


@needs_torch
def test_missing_parts_are_an_error(folder, capsys, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("saliency.io.act.write_layer", stop)
    command = "-layer fc1 -stim seven.stim.csv -out x.act.h5"
    assert run(capsys, command)[0] == 130
    ActivationFiles(Path("x.act.h5")).remove_parts()
    status, _, errors = run(capsys, command)
    assert status == 2 and "error: .x.act.h5.parts lacks results that .x.act.h5.journal lists as done; remove both" in errors


def test_simultaneous_runs_are_refused(folder, capsys):
    fcntl = pytest.importorskip("fcntl")
    with Path(".x.act.h5.journal").open("wb") as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        status, _, errors = run(capsys, "-layer fc1 -stim seven.stim.csv -out x.act.h5")
    assert status == 2 and "is being written by another run" in errors
    assert Path(".x.act.h5.journal").exists()

"""Runs of ``dnn_act`` that end early: the same command resumes them and writes the same file."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

import saliency
from saliency.cli import dnn_act
from tests.cli.activation_command import DEMO, SCENES, arrays, assert_same, run, table

needs_torch, needs_tf = pytest.mark.needs("torch"), pytest.mark.needs("tensorflow")


def interrupt(*arguments):
    raise KeyboardInterrupt


MOMENTS = {
    "before the first values": ("saliency.io.raw_layer", "RawFileLayer.write_stimuli", 1),
    "between the layers of a batch": ("saliency.io.raw_layer", "RawFileLayer.write_stimuli", 4),
    "before a batch is recorded": ("saliency.io.journal", "Journal.add", 2),
    "while the file is written": ("saliency.io.act", "write_layer", 2),
    "before the file is recorded": ("saliency.io.journal", "Journal.add", 5),
    "before the table of errors": ("saliency.cli.run_log", "write_failures", 1),
    "while the parts are removed": ("os", "rmdir", 1),
    "before the journal is removed": ("saliency.io.journal", "Journal.finish", 1),
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


def truncate(file):
    with file.open("r+b") as stream:
        stream.truncate(100)


def flip(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1  # in the last of three batches
    file.write_bytes(content)


DAMAGE = {
    "a missing folder": (lambda parts: shutil.rmtree(parts), "of 3 finished batches, 3 are missing or damaged", "3 6 7"),
    "a missing layer": (lambda parts: (parts / "1.float32").unlink(), "of 3 finished batches, 3 are", "3 6 7"),
    "a short layer": (lambda parts: truncate(parts / "1.float32"), "of 3 finished batches, 3 are", "3 6 7"),
    "a changed bit": (
        lambda parts: flip(parts / "0.float32"),
        "of 3 finished batches, 1 is missing or damaged and will be",
        "7",
    ),
    "nothing": (lambda parts: None, "", ""),
}


@needs_torch
@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_batches_are_computed_again(case, folder, capsys, monkeypatch):
    damage, message, finished = DAMAGE[case]
    command = "-layer pool2 fc1 -stim seven.stim.csv -batch 3 -out {}.act.h5"
    with monkeypatch.context() as patch:
        patch.setattr("saliency.io.act.write_layer", interrupt)
        assert run(capsys, command.format("x"))[0] == 130
    damage(folder / ".x.act.h5.parts")
    status, printed, errors = run(capsys, command.format("x"))
    assert status == 0 and printed.split() == [word for n in finished.split() for word in ("Finish:", f"{n}/7")]
    assert message in errors and errors.count("missing or damaged") == bool(message)
    run(capsys, command.format("whole"))
    assert Path("x.act.h5").read_bytes() == Path("whole.act.h5").read_bytes() and not list(folder.glob(".x*"))


@needs_torch
def test_planted_parts_are_refused(folder, capsys):
    (folder / "theirs").mkdir()
    (folder / "theirs" / "0.float32").write_text("theirs")
    (folder / ".x.act.h5.parts").symlink_to(folder / "theirs")
    status, _, errors = run(capsys, "-layer fc1 -stim seven.stim.csv -out x.act.h5")
    assert status == 2 and ".x.act.h5.parts: is a link, not a folder" in errors
    assert (folder / "theirs" / "0.float32").read_text() == "theirs"


@needs_torch
def test_a_disk_that_is_too_small_is_refused_before_the_computation(folder, capsys, monkeypatch):
    before = sorted(folder.iterdir())
    monkeypatch.setattr("shutil.disk_usage", lambda path: shutil._ntuple_diskusage(10**6, 10**6 - 279, 279))
    status, printed, errors = run(capsys, "-layer fc1 -stim seven.stim.csv -out x.act.h5")
    assert (status, printed) == (2, "") and "need 280 bytes while the run lasts, and 279 bytes are free" in errors
    assert sorted(folder.iterdir()) == before
    monkeypatch.setattr("shutil.disk_usage", lambda path: shutil._ntuple_diskusage(10**6, 10**6 - 280, 280))
    assert run(capsys, "-layer fc1 -stim seven.stim.csv -out x.act.h5")[0] == 0


def test_simultaneous_runs_are_refused(folder, capsys):
    fcntl = pytest.importorskip("fcntl")
    with Path(".x.act.h5.journal").open("wb") as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        status, _, errors = run(capsys, "-layer fc1 -stim seven.stim.csv -out x.act.h5")
    assert status == 2 and "is being written by another run" in errors
    assert Path(".x.act.h5.journal").exists()

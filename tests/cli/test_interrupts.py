"""Commands that are interrupted or terminated while they write: the old file or the new file, and the exit status."""

import os
import signal
import subprocess
import sys
import time

import pytest

from saliency.cli import dnn_act, dnn_mask, dnn_saliency
from saliency.cli.command_runner import run_command
from saliency.io.hdf5_writing import ErrorKeepingFile

SELECTED = "-net DemoNet -stim seven.stim.csv"
MAPS = f"{SELECTED} -layer fc1 -chn 4 -meth vanilla -save h5 -overwrite -out maps"
COMMANDS = {
    "dnn_mask": (dnn_mask, "-act test.act.h5 -layer conv5 -chn 2 1 -out out.act.h5", "out.act.h5"),
    "dnn_mask to itself": (dnn_mask, "-act test.act.h5 -layer conv5 -chn 2 1 -out test.act.h5", "test.act.h5"),
    "dnn_act": (dnn_act, f"{SELECTED} -layer pool2 fc1 -overwrite -out out.act.h5", "out.act.h5"),
    "-save h5": (dnn_saliency, MAPS, "maps/DemoNet_fc1_chn4_vanilla_RGB.h5"),
}
PARAMETERS = [pytest.param(name, marks=() if "mask" in name else pytest.mark.needs("torch")) for name in COMMANDS]


@pytest.mark.parametrize("name", PARAMETERS)
def test_an_interrupt_at_any_write_keeps_the_old_file(name, mask_folder, folder, capsys, monkeypatch):
    command, arguments, output = COMMANDS[name]
    original, writes, at = ErrorKeepingFile.write, [], 1

    def write(stream, data):
        writes.append(1)
        if len(writes) == at:
            signal.raise_signal(signal.SIGINT)
        return original(stream, data)

    (folder / output).parent.mkdir(exist_ok=True)
    if not (folder / output).exists():
        (folder / output).write_text("old")
    old = (folder / output).read_bytes()
    monkeypatch.setattr(ErrorKeepingFile, "write", write)
    while True:
        status = command.main(arguments.split())
        if len(writes) < at:
            break
        assert status == 130 and (folder / output).read_bytes() == old
        assert ": interrupted; " in capsys.readouterr().err
        writes.clear()
        at += 1
    monkeypatch.undo()
    os.chdir(folder)
    new = (folder / output).read_bytes()
    assert status == 0 and at > 5 and new != old
    if name == "dnn_mask to itself":
        (folder / output).write_bytes(old)
    assert command.main(arguments.split()) == 0 and (folder / output).read_bytes() == new


def raising(number):
    def work(arguments):
        signal.raise_signal(number)
        return 0

    return work


@pytest.mark.parametrize(("number", "status", "word"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated")])
def test_a_signal_ends_a_command_with_one_line(number, status, word, capsys):
    number = signal.Signals[number]
    before = signal.getsignal(number)
    assert run_command("command", raising(number), [], "run it again") == status
    assert capsys.readouterr().err == f"command: {word}; run it again\n"
    assert signal.getsignal(number) == before


def test_an_interrupt_that_was_lost_is_reported(capsys):
    def work(arguments):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:  # as Python does in a callback of a weak reference
            return 0

    assert run_command("command", work, [], "run it again") == 130
    assert capsys.readouterr().err == "command: interrupted; the output is complete\n"


class WithDestructor:
    """An object whose destructor receives a signal."""

    def __init__(self, number):
        self.number = number

    def __del__(self):
        signal.raise_signal(self.number)


@pytest.mark.parametrize(("number", "status", "word"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated")])
def test_a_signal_in_a_destructor_ends_a_command_with_one_line(number, status, word, capsys):
    hook = sys.unraisablehook

    def work(arguments):
        WithDestructor(signal.Signals[number])  # Python drops the exception
        time.sleep(20)
        return 0

    start = time.monotonic()
    assert run_command("command", work, [], "run it again") == status
    assert capsys.readouterr().err == f"command: {word}; run it again\n"
    assert time.monotonic() - start < 10 and sys.unraisablehook is hook


def test_a_signal_in_the_last_destructor_is_not_sent_to_the_next_program(capsys):
    def work(arguments):
        WithDestructor(signal.SIGTERM)
        return 0

    assert run_command("command", work, [], "run it again") == 143
    assert capsys.readouterr().err == "command: terminated; the output is complete\n"
    time.sleep(0.1)  # a signal that is sent again later would end this process


def test_an_interrupt_that_was_replaced_by_an_error_is_an_interrupt(capsys):
    def work(arguments):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise RuntimeError("the operation was canceled") from None

    assert run_command("command", work, [], "run it again") == 130
    assert capsys.readouterr().err == "command: interrupted; run it again\n"


def test_a_process_that_ignores_a_signal_goes_on():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert run_command("command", raising(signal.SIGTERM), [], "") == 0
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_interrupt_after_the_file_was_replaced_is_told(mask_folder, capsys, monkeypatch):
    def unlink(path, **options):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("pathlib.Path.unlink", unlink)
    arguments = "-act test.act.h5 -layer conv5 -chn 2 1 -out test.act.h5"
    assert dnn_mask.main(arguments.split()) == 130
    assert capsys.readouterr().err == "dnn_mask: interrupted; test.act.h5 is complete\n"


def test_half_files_of_a_killed_dnn_mask_are_removed(mask_folder):
    fcntl = pytest.importorskip("fcntl")
    names = [".out.act-0123abcd.h5", ".out.act-4567cdef.h5", ".out.act-mine.h5", ".other.act-0123abcd.h5"]
    for name in names:
        (mask_folder / name).write_text("half a file")
    with (mask_folder / names[1]).open("rb+") as running:
        fcntl.flock(running, fcntl.LOCK_EX)
        assert dnn_mask.main(["-act", "test.act.h5", "-layer", "conv5", "-out", "out.act.h5"]) == 0
    assert sorted(path.name for path in mask_folder.glob(".*")) == sorted(names[1:])


def test_a_full_disk_is_told(capsys):
    def work(arguments):
        raise OSError(28, "No space left on device", "x.act.h5")

    assert run_command("command", work, [], "run it again") == 1
    assert capsys.readouterr().err == "command: error: x.act.h5: No space left on device; free some space, then run it again\n"


def test_a_signal_within_exec_leaves_the_exit_status():
    done = subprocess.run([sys.executable, "-m", "tests.cli.exec_interrupt"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (143, "command: terminated; run it again\n")

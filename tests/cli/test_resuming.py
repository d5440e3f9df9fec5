"""A run that ends early, at any moment, goes on with the same command and ends with the same files."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from saliency.cli.journal import open_journal
from saliency.cli.options import CommandError
from tests.cli.forked_commands import processes
from tests.cli.saliency_command import BASE, DEMO, EMBEDDED, FIGURE, run, table

needs_torch = pytest.mark.needs("torch")
NAMES = [f"scene_{i:02d}.png" for i in range(18)]
JOURNAL = f".{BASE}.journal"


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@needs_torch
def test_killed_again_and_again(tmp_path):
    arguments = [*EMBEDDED, "-stim", table(tmp_path, [*NAMES, "none.png"]), "-save", "h5", "-out"]
    out, status, kills = tmp_path / "killed", None, 0
    with processes() as start:
        start("dnn_saliency", [*arguments, tmp_path / "undisturbed"]).wait()
        while status is None:
            process = start("dnn_saliency", [*arguments, out])
            before = len(list(out.glob("*"))) if out.exists() else 0
            while kills < 4 and process.runs() and (len(list(out.glob("*"))) if out.exists() else 0) == before:
                time.sleep(0.002)
            if kills < 4 and process.runs():
                process.kill()
                kills += 1
                process.wait()
            else:
                status = process.wait()
    assert kills == 4 and status == 1
    assert files(out) == files(tmp_path / "undisturbed")


@needs_torch
def test_an_interrupted_run_goes_on_where_it_was(tmp_path, capsys, monkeypatch):
    from saliency.cli import figure

    original, stim, drawn = figure.SaliencyFigure.draw, table(tmp_path, NAMES), []

    def fill(*rest):
        if len(drawn) == 1:
            raise KeyboardInterrupt
        drawn.append(rest)
        original(*rest)

    monkeypatch.setattr("saliency.cli.figure.SaliencyFigure.draw", fill)
    status, _, errors = run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "out")
    assert status == 130 and "run the same command again to resume" in errors
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [JOURNAL, FIGURE.format(1)]
    monkeypatch.setattr("saliency.cli.figure.SaliencyFigure.draw", original)
    first = (tmp_path / "out" / FIGURE.format(1)).stat().st_mtime_ns
    status, printed, errors = run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "out")
    assert (status, printed) == (0, "Finish: 12/18\nFinish: 18/18\n") and "resuming after 6 stimuli" in errors
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [FIGURE.format(k) for k in (1, 2, 3)]
    assert (tmp_path / "out" / FIGURE.format(1)).stat().st_mtime_ns == first


@needs_torch
def test_a_run_that_is_stopped_while_it_clears_up_keeps_all_maps(tmp_path, capsys, monkeypatch):
    stim, arguments = table(tmp_path, NAMES), ["-save", "h5"]
    assert run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "whole", *arguments)[0] == 0
    original, removed = Path.unlink, []

    def unlink(path, *rest, **options):
        if path.suffix == ".npz" and "-" not in path.stem.rpartition("_fig")[2]:
            removed.append(path)
            if len(removed) == 2:
                raise KeyboardInterrupt
        original(path, *rest, **options)

    monkeypatch.setattr(Path, "unlink", unlink)
    assert run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "out", *arguments)[0] == 130
    monkeypatch.setattr(Path, "unlink", original)
    assert (tmp_path / "out" / JOURNAL).exists() and len(list((tmp_path / "out").glob(".*.npz"))) == 2
    assert run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "out", *arguments)[0] == 0
    assert files(tmp_path / "out") == files(tmp_path / "whole")


@needs_torch
def test_what_failed_before_an_interrupt_is_told_after_it(tmp_path, capsys, monkeypatch):
    from saliency.cli import figure

    original = figure.SaliencyFigure.draw
    monkeypatch.setattr("saliency.cli.figure.SaliencyFigure.draw", lambda drawn, pictures, *rest: stop(pictures, drawn, *rest))

    def stop(pictures, drawn, *rest):
        if len(pictures) == 6:
            raise KeyboardInterrupt
        original(drawn, pictures, *rest)

    stim = table(tmp_path, ["none.png", *NAMES])
    assert run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "out")[0] == 130
    monkeypatch.setattr("saliency.cli.figure.SaliencyFigure.draw", original)
    status, _, errors = run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "out")
    assert status == 1 and "18 done, 1 failed" in errors
    assert "MISSING" in (tmp_path / "out" / f"{BASE}_errors.csv").read_text()


@needs_torch
def test_other_arguments_do_not_mix_with_an_unfinished_run(tmp_path, capsys, monkeypatch):
    def stop(*rest):
        raise KeyboardInterrupt

    stim = table(tmp_path, NAMES)
    run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "out", "-strict")
    monkeypatch.setattr("saliency.cli.figure.SaliencyFigure.draw", stop)
    out = tmp_path / "other"
    out.mkdir()
    (out / JOURNAL).write_text(json.dumps({"-batch": "None", "-net": "DemoNet"}) + "\n" + json.dumps({}) + "\n")
    status, _, errors = run(capsys, *EMBEDDED, "-stim", stim, "-out", out, "-batch", "3")
    assert status == 2 and "-batch (was None, is now 3)" in errors and "-overwrite" in errors
    assert [path.name for path in out.iterdir()] == [JOURNAL]
    (out / JOURNAL).write_text("no journal\n")
    status, _, errors = run(capsys, *EMBEDDED, "-stim", stim, "-out", out)
    assert status == 2 and "is not a valid journal" in errors


@needs_torch
def test_a_picture_that_changed_meanwhile_is_noticed(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in NAMES[:12]:
        (folder / name).write_bytes((DEMO / "scenes" / name).read_bytes())
    drawn = []

    def stop(*rest):
        drawn.append(rest)
        if len(drawn) > 1:
            raise KeyboardInterrupt

    monkeypatch.setattr("saliency.cli.figure.SaliencyFigure.draw", stop)
    stim = table(tmp_path, NAMES[:12], folder)
    assert run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "out")[0] == 130
    (folder / NAMES[11]).write_bytes((folder / NAMES[0]).read_bytes())
    status, _, errors = run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "out")
    assert status == 2 and "pictures (was " in errors and "-overwrite" in errors


@pytest.fixture
def small_disk():
    """No file may have more than 20 KB."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20480, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@needs_torch
def test_a_figure_that_does_not_fit_on_the_disk_is_not_taken_for_done(tmp_path, capsys, small_disk):
    arguments = [*EMBEDDED, "-stim", table(tmp_path, NAMES[:2]), "-out", tmp_path / "out"]
    status, _, errors = run(capsys, *arguments)
    assert status == 2 and f"{FIGURE.format(1)}: File too large" in errors
    assert not (tmp_path / "out").exists()


@needs_torch
def test_streams_that_are_closed_do_not_stop_a_run(tmp_path):
    arguments = [*EMBEDDED, "-stim", table(tmp_path, [*NAMES[:7], "none.png"])]
    cases = {"2>&-": 1, ">&-": 1, ">/dev/full": 1, "| head -1": 0}
    command = [sys.executable, "-m", "saliency.cli.dnn_saliency"]

    def ended(k):
        words = ["sh", "-c", f'"$@" {list(cases)[k]}', "sh", *command, *arguments, "-out", str(tmp_path / str(k))]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(2) as pool:
        for k, (found, status) in enumerate(zip(pool.map(ended, range(4)), cases.values(), strict=True)):
            assert found.returncode == status and "Traceback" not in found.stderr and "Exception" not in found.stderr
            assert len(list((tmp_path / str(k)).glob("*.jpg"))) == 2


@needs_torch
def test_a_failure_too_many_stops_the_run(tmp_path, capsys):
    stim = table(tmp_path, [*NAMES[:6], "none.png", "no.png", *NAMES[6:]])
    for options, done in (["-strict"], 6), (["-max-errors", "1"], 6):
        status, printed, errors = run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "out", *options)
        assert status == 1 and "stopped" in errors
        assert printed in ("", f"Finish: {done}/{20}\n")
    status, _, errors = run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "out", "-max-errors", "2")
    assert status == 1 and "18 done, 2 failed" in errors


def test_two_runs_at_a_time_are_refused(tmp_path):
    pytest.importorskip("fcntl")
    with open_journal(tmp_path / ".j", {"a": "1"}, overwrite=False) as first:
        first.begin()
        first.add({"k": 1})
        with pytest.raises(CommandError, match="another run"), open_journal(tmp_path / ".j", {"a": "1"}, overwrite=True):
            pass
    with open_journal(tmp_path / ".j", {"a": "1"}, overwrite=False) as second:
        assert second.resumed and second.records == [{"k": 1}]
        second.finish()
    assert not list(tmp_path.iterdir())


def test_a_line_that_was_cut_off_is_dropped(tmp_path):
    file = tmp_path / ".j"
    with open_journal(file, {"a": "1"}, overwrite=False) as first:
        first.begin()
        first.add({"k": 1})
        first.add({"k": 2})
    file.write_bytes(file.read_bytes()[:-3])
    with open_journal(file, {"a": "1"}, overwrite=False) as second:
        assert second.records == [{"k": 1}]
        second.add({"k": 3})
    assert [json.loads(line) for line in file.read_text().splitlines()] == [{"a": "1"}, {"k": 1}, {"k": 3}]
    with open_journal(file, {"a": "2"}, overwrite=True) as third:
        assert not third.resumed
        third.begin()
        third.add({"k": 4})
    assert [json.loads(line) for line in file.read_text().splitlines()] == [{"a": "2"}, {"k": 4}]


def test_a_run_that_did_nothing_leaves_no_journal(tmp_path):
    with pytest.raises(ZeroDivisionError), open_journal(tmp_path / ".j", {"a": "1"}, overwrite=False) as first:
        first.begin()
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())

"""Runs of ``dnn_saliency`` that end early: the same command resumes them and writes the same files."""

import shutil
import time
from pathlib import Path

import pytest

from saliency.io.journal import open_journal
from tests.cli.saliency_command import BASE, BUNDLED, DEMO, FIGURE, run, table

needs_torch = pytest.mark.needs("torch")
NAMES = [f"scene_{i:02d}.png" for i in range(18)]
JOURNAL = f".{BASE}.journal"


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, start_command):
    """The arguments of a run, except for the output folder, and the files of an undisturbed run."""
    folder = tmp_path_factory.mktemp("undisturbed")
    arguments = [*BUNDLED, "-stim", table(folder, [*NAMES, "none.png"]), "-save", "h5", "-out"]
    assert start_command("dnn_saliency", [*arguments, folder / "out"]).wait() == 1
    return arguments, files(folder / "out")


@needs_torch
def test_a_run_that_is_killed_several_times_writes_the_same_files(undisturbed, tmp_path, start_command):
    arguments, expected = undisturbed
    out, status, kills = tmp_path / "killed", None, 0
    while status is None:
        process = start_command("dnn_saliency", [*arguments, out])
        before = len(list(out.glob("*"))) if out.exists() else 0
        while kills < 4 and process.is_running() and (len(list(out.glob("*"))) if out.exists() else 0) == before:
            time.sleep(0.002)
        if kills < 4 and process.is_running():
            process.kill()
            kills += 1
            process.wait()
        else:
            status = process.wait()
    assert kills == 4 and status == 1
    assert files(out) == expected


@needs_torch
def test_an_interrupted_run_resumes_after_its_last_figure(tmp_path, capsys, monkeypatch):
    from saliency.cli import figure

    original, stim, drawn = figure.SaliencyFigure.draw, table(tmp_path, NAMES), []

    def fill(*rest):
        if len(drawn) == 1:
            raise KeyboardInterrupt
        drawn.append(rest)
        original(*rest)

    monkeypatch.setattr("saliency.cli.figure.SaliencyFigure.draw", fill)
    status, _, errors = run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path / "out")
    assert status == 130 and "run the same command again to resume" in errors
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [JOURNAL, FIGURE.format(1)]
    monkeypatch.setattr("saliency.cli.figure.SaliencyFigure.draw", original)
    first = (tmp_path / "out" / FIGURE.format(1)).stat().st_mtime_ns
    status, printed, errors = run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path / "out")
    assert (status, printed) == (0, "Finish: 12/18\nFinish: 18/18\n") and "resuming after 6 stimuli" in errors
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [FIGURE.format(k) for k in (1, 2, 3)]
    assert (tmp_path / "out" / FIGURE.format(1)).stat().st_mtime_ns == first


@needs_torch
def test_a_run_that_is_stopped_while_it_cleans_up_keeps_all_maps(undisturbed, tmp_path, capsys, monkeypatch):
    arguments, expected = undisturbed
    original, removed = Path.unlink, []

    def unlink(path, *rest, **options):
        if path.suffix == ".npz" and "-" not in path.stem.rpartition("_fig")[2]:
            removed.append(path)
            if len(removed) == 2:
                raise KeyboardInterrupt
        original(path, *rest, **options)

    monkeypatch.setattr(Path, "unlink", unlink)
    assert run(capsys, *arguments, tmp_path / "out")[0] == 130
    monkeypatch.setattr(Path, "unlink", original)
    assert (tmp_path / "out" / JOURNAL).exists() and len(list((tmp_path / "out").glob(".*.npz"))) == len(removed)
    assert run(capsys, *arguments, tmp_path / "out")[0] == 1
    assert files(tmp_path / "out") == expected


@needs_torch
def test_failures_before_an_interrupt_are_reported_after_it(tmp_path, capsys, monkeypatch):
    from saliency.cli import figure

    original = figure.SaliencyFigure.draw
    monkeypatch.setattr("saliency.cli.figure.SaliencyFigure.draw", lambda figure, stimuli, *rest: stop(stimuli, figure, *rest))

    def stop(stimuli, drawing, *rest):
        if len(stimuli) == 6:
            raise KeyboardInterrupt
        original(drawing, stimuli, *rest)

    stim = table(tmp_path, ["none.png", *NAMES])
    assert run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path / "out")[0] == 130
    monkeypatch.setattr("saliency.cli.figure.SaliencyFigure.draw", original)
    status, _, errors = run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path / "out")
    assert status == 1 and "18 done, 1 failed" in errors
    assert "MISSING" in (tmp_path / "out" / f"{BASE}_errors.csv").read_text()


@needs_torch
def test_an_unfinished_run_with_other_arguments_is_refused(tmp_path, capsys, monkeypatch):
    def stop(*rest):
        raise KeyboardInterrupt

    stim = table(tmp_path, NAMES)
    run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path / "out", "-strict")
    monkeypatch.setattr("saliency.cli.figure.SaliencyFigure.draw", stop)
    out = tmp_path / "other"
    out.mkdir()
    with open_journal(out / JOURNAL, {"-batch": "None", "-net": "DemoNet"}, overwrite=False) as journal:
        journal.begin()
        journal.add(1, {})
    status, _, errors = run(capsys, *BUNDLED, "-stim", stim, "-out", out, "-batch", "3")
    assert status == 2 and "-batch (was None, is now 3)" in errors and "-overwrite" in errors
    assert [path.name for path in out.iterdir()] == [JOURNAL]
    (out / JOURNAL).write_text("no journal\n")
    status, _, errors = run(capsys, *BUNDLED, "-stim", stim, "-out", out)
    assert status == 2 and "is not a valid journal" in errors


@needs_torch
def test_a_changed_image_is_noticed(tmp_path, capsys, monkeypatch):
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
    assert run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path / "out")[0] == 130
    (folder / NAMES[11]).write_bytes((folder / NAMES[0]).read_bytes())
    status, _, errors = run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path / "out")
    assert status == 2 and "pictures (was " in errors and "-overwrite" in errors


@pytest.fixture
def small_disk():
    """Limit the size of files to 20 KB."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20480, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@needs_torch
def test_a_figure_that_does_not_fit_on_the_disk_is_not_recorded(tmp_path, capsys, small_disk):
    arguments = [*BUNDLED, "-stim", table(tmp_path, NAMES[:2]), "-out", tmp_path / "out"]
    status, _, errors = run(capsys, *arguments)
    assert status == 1 and f"{FIGURE.format(1)}: File too large; free some space, then run the same command again" in errors
    assert not (tmp_path / "out").exists()


@needs_torch
def test_max_errors_stops_the_run(tmp_path, capsys):
    stim = table(tmp_path, [*NAMES[:6], "none.png", "no.png", *NAMES[6:]])
    for options, done in (["-strict"], 6), (["-max-errors", "1"], 6):
        status, printed, errors = run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path / "out", *options)
        assert status == 1 and "stopped" in errors
        assert printed in ("", f"Finish: {done}/{20}\n")
    status, _, errors = run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path / "out", "-max-errors", "2")
    assert status == 1 and "18 done, 2 failed" in errors


@needs_torch
@pytest.mark.parametrize(("save", "method", "needed"), [("npz", "vanilla", 1), ("h5", "gradcam", 2)])
def test_a_disk_that_is_too_small_for_the_maps_is_refused_before_the_computation(
    save, method, needed, tmp_path, capsys, monkeypatch
):
    size = 7 * 2 * (3 if method == "vanilla" else 1) * 96 * 96 * 4 * needed
    arguments = ["-net", "DemoNet", "-layer", "conv6", "-chn", "1", "2", "-meth", method, "-stim", table(tmp_path, NAMES[:7])]
    arguments += ["-save", save, "-out", tmp_path / "out"]
    for free, expected in ((size - 1, 2), (size, 0)):
        monkeypatch.setattr("shutil.disk_usage", lambda path, free=free: shutil._ntuple_diskusage(10**9, 0, free))
        status, _, errors = run(capsys, *map(str, arguments))
        assert status == expected
        assert (f"the maps need {size} bytes while the run lasts, and {free} bytes are free" in errors) == (status == 2)
        assert (tmp_path / "out").exists() == (status == 0)
    assert sum(path.stat().st_size for path in (tmp_path / "out").glob(f"*.{save}")) * needed == pytest.approx(size, rel=0.1)

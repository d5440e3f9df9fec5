"""``saliency report -jobs N`` and ``saliency compare -jobs N``: the same files, with images read in other processes."""

import multiprocessing

import pytest

from saliency import nets
from saliency.cli.compare import run as compare_run
from saliency.cli.compare.block_values import BlockValues
from saliency.cli.main import main
from saliency.cli.object_columns import ObjectColumns
from saliency.cli.piece_log import PieceLog
from saliency.cli.read_ahead import read_pieces
from saliency.cli.report import run as report_run
from saliency.cli.report.row_builder import RowBuilder
from saliency.cli.report.row_reader import RowReader
from saliency.cli.stimuli import Stimuli
from saliency.cli.stimulus_reader import StimulusReader
from saliency.cli.worker_pool import WorkerPool
from saliency.io.picture_options import PictureOptions
from tests.cli import pool_tasks
from tests.cli.saliency_command import DEMO
from tests.cli.stopped_runs import kill_and_interrupt

pytest.importorskip("jinja2")
NAMES = [f"scene_{i:02d}.png" for i in range(12)]
ARGUMENTS = ["-net", "tests.ray.networks:linear", "-chn", "target", "-meth", "vanilla", "-metric", "mass_accuracy"]
COMMANDS = {"report": ("page.html", RowBuilder, "build"), "compare": ("comparison", BlockValues, "compute")}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(report_run, "ROWS_PER_BLOCK", 3)
    monkeypatch.setattr(compare_run, "BLOCK", 3)


def stimuli(folder):
    """Write a table with a box of its own for each image, an image that is missing, and a box that leaves its image."""
    rows = [f"{name},{i % 5},{i},{2 * i},{i + 40},{2 * i + 50}" for i, name in enumerate(NAMES)]
    rows[4], rows[7] = "none.png,1,0,0,9,9", f"{NAMES[7]},2,0,0,500,9"
    file = folder / "some.stim.csv"
    lines = ["type=image", f"path={DEMO / 'scenes'}", "data=stimID,label,x0,y0,x1,y1", *rows]
    file.write_text("\n".join(lines), encoding="utf-8")
    return str(file)


def run(capsys, command, folder, out, *options):
    """Return the exit status, the printed output and errors, and the files of a command."""
    out.mkdir(exist_ok=True)
    name = COMMANDS[command][0]
    status = main([command, *ARGUMENTS, "-stim", stimuli(folder), "-out", str(out / name), *options])
    return status, *capsys.readouterr(), {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_files_are_the_same(command, tmp_path, capsys):
    status, printed, errors, expected = run(capsys, command, tmp_path, tmp_path / "alone")
    assert status == 1 and "none.png: MISSING" in errors and f"{NAMES[7]}: BOX" in errors and "10 done, 2 failed" in errors
    *words, found = run(capsys, command, tmp_path, tmp_path / "jobs", "-jobs", "2")
    assert [words[0], words[1], words[2].replace("jobs/", "alone/")] == [status, printed, errors]
    assert found == expected and not multiprocessing.active_children()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_killed_process_is_replaced_and_an_interrupted_run_resumes(command, tmp_path, capsys, monkeypatch):
    *_, expected = run(capsys, command, tmp_path, tmp_path / "alone")
    _, kind, name = COMMANDS[command]
    kill_and_interrupt(monkeypatch, kind, name)
    status, printed, errors, _ = run(capsys, command, tmp_path, tmp_path / "jobs", "-jobs", "1")
    assert (status, printed) == (130, "Finish: 3/12\nFinish: 6/12\n") and "run the same command again to resume" in errors
    assert not multiprocessing.active_children()
    status, printed, errors, found = run(capsys, command, tmp_path, tmp_path / "jobs", "-jobs", "2")
    assert (status, printed) == (1, "Finish: 9/12\nFinish: 12/12\n") and "resuming after 6 stimuli" in errors
    assert found == expected


def test_a_row_whose_image_a_process_dies_of_shows_the_reason():
    images = Stimuli(NAMES, DEMO / "scenes", PictureOptions(), False, "some.stim.csv", {})
    reader = RowReader(StimulusReader(images, nets.Network("Some", None, (96, 96), guessed=True)), 32)
    log = PieceLog()
    with WorkerPool(1) as pool:
        (found,) = read_pieces(pool_tasks.DeadlyReader(reader, 1), [range(3)], log, pool, ahead=1)
    assert [one.index for one in found] == [0, 1, 2] and [one.x is None for one in found] == [False, True, False]
    assert found[1].failure.startswith("WORKER_DIED: its process died 3 times") and found[1].picture is None
    assert found[0].picture == next(reader.read(range(1), PieceLog())).picture
    assert [(one.stimID, one.code) for one in log.failures] == [(NAMES[1], "WORKER_DIED")]


def test_a_part_of_a_reader_reads_the_objects_of_its_stimuli(tmp_path):
    columns = {"x0": [0, 0, 0], "y0": [0, 0, 0], "x1": [96, 48, 24], "y1": [96, 96, 96]}
    images = Stimuli(NAMES[:3], DEMO / "scenes", PictureOptions(), False, "some.stim.csv", columns)
    network = nets.Network("Some", None, (96, 96), guessed=True)
    reader = StimulusReader(images, network, objects=ObjectColumns(images, (96, 96)))
    whole = [image.object_mask.mean() for image, _ in reader.read(range(3), PieceLog())]
    parts = [image.object_mask.mean() for image, _ in reader.part(range(1, 3)).read(range(1, 3), PieceLog())]
    assert whole == [1, 0.5, 0.25] and parts == whole[1:]

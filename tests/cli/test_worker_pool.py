"""Processes beside a command: results, errors, and processes that die."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from saliency import nets
from saliency.cli.piece_log import PieceLog
from saliency.cli.read_ahead import read_pieces
from saliency.cli.stimuli import Stimuli
from saliency.cli.stimulus_reader import StimulusReader
from saliency.cli.worker_pool import WorkerDied, WorkerPool
from saliency.io.picture_options import PictureOptions
from tests.cli import pool_tasks
from tests.cli.saliency_command import DEMO

NAMES = [f"scene_{i:02d}.png" for i in range(5)]


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(1) as started:
        yield started
    assert not multiprocessing.active_children()


def test_results_and_errors_are_those_of_the_function(pool):
    tasks = [pool.submit(pool_tasks.double, i) for i in range(4)]
    assert [task.result() for task in tasks] == [0, 2, 4, 6]
    with pytest.raises(ValueError, match="no such thing"):
        pool.submit(pool_tasks.fail, "no such thing").result()


def test_no_framework_is_imported(pool):
    assert pool.submit(pool_tasks.imported_frameworks).result() == []


def test_a_task_whose_process_dies_is_started_again_and_the_others_too(pool, tmp_path):
    tasks = [pool.submit(pool_tasks.die_once, tmp_path / "marker"), pool.submit(pool_tasks.double, 3)]
    assert [task.result() for task in tasks] == ["alive", 6]


def test_a_task_whose_process_dies_while_it_sends_its_result_is_started_again(pool, tmp_path):
    tasks = [pool.submit(pool_tasks.die_while_sending, tmp_path / "marker"), pool.submit(pool_tasks.double, 3)]
    assert [task.result() for task in tasks] == ["alive", 6]


def test_python_exits_after_processes_were_stopped_while_they_sent_results(tmp_path):
    code = f"""
import pathlib, time
from saliency.cli.worker_pool import WorkerPool
from tests.cli import pool_tasks
if __name__ == "__main__":
    marker = pathlib.Path({str(tmp_path / "marker")!r})
    try:
        with WorkerPool(1) as pool:
            task = pool.submit(pool_tasks.die_while_sending, marker)
            while not (marker.exists() and pool.lost()):
                time.sleep(0.01)
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""
    (tmp_path / "main.py").write_text(code)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])}
    command = [sys.executable, str(tmp_path / "main.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert (done.returncode, done.stdout) == (0, "stopped\n"), done.stderr


def test_a_task_that_always_dies_is_an_error_and_the_pool_goes_on(pool):
    deadly, other = pool.submit(pool_tasks.die), pool.submit(pool_tasks.double, 4)
    with pytest.raises(WorkerDied, match="died 3 times"):
        deadly.result()
    assert other.result() == 8


def test_an_image_that_a_process_dies_of_fails_alone(pool):
    stimuli = Stimuli(NAMES, DEMO / "scenes", PictureOptions(), False, "some.stim.csv", {})
    reader = StimulusReader(stimuli, nets.Network("Some", None, (96, 96), guessed=True))
    log = PieceLog()
    pieces = [range(2), range(2, 5)]
    found = list(read_pieces(pool_tasks.DeadlyReader(reader, 3), pieces, log, pool, ahead=1))
    expected = [list(reader.read(one, PieceLog())) for one in pieces]
    assert [[image.index for image, _ in piece] for piece in found] == [[0, 1], [2, 4]]
    for one, other in zip(found[1], expected[1][::2], strict=True):
        assert one[0].rgb.tobytes() == other[0].rgb.tobytes() and (one[1] == other[1]).all()
    assert [(one.stimID, one.stage, one.code) for one in log.failures] == [("scene_03.png", "read", "WORKER_DIED")]


def test_a_network_with_its_own_preprocessing_is_read_here():
    network = nets.Network("Some", None, (96, 96), preprocess=lambda picture: picture, guessed=True)
    stimuli = Stimuli(NAMES, DEMO / "scenes", PictureOptions(), False, "some.stim.csv", {})
    assert StimulusReader(stimuli, network).part(range(2)) is None

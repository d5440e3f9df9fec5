"""Standard streams that are closed or full do not stop a run."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.forked_commands import BROKEN_PIPE, CLOSED
from tests.cli.saliency_command import BUNDLED, table

needs_torch = pytest.mark.needs("torch")
NAMES = [f"scene_{i:02d}.png" for i in range(7)]


@needs_torch
def test_streams_that_are_closed_at_the_start_do_not_stop_a_run(tmp_path):
    program = Path(sys.executable).with_name("dnn_saliency")
    command = [program, *BUNDLED, "-stim", table(tmp_path, [*NAMES, "none.png"]), "-out", tmp_path / "out"]
    assert subprocess.run(["sh", "-c", '"$@" >&- 2>&-', "sh", *command], check=False).returncode == 1
    assert len(list((tmp_path / "out").glob("*.jpg"))) == 2


@needs_torch
@pytest.mark.parametrize(("number", "target"), [(1, CLOSED), (2, CLOSED), (1, "/dev/full"), (1, BROKEN_PIPE)])
def test_a_stream_that_cannot_be_written_does_not_stop_a_run(number, target, tmp_path, start_command):
    arguments = [*BUNDLED, "-stim", table(tmp_path, [*NAMES, "none.png"]), "-out", tmp_path / "out"]
    streams = {2: tmp_path / "errors", number: target}
    assert start_command("dnn_saliency", arguments, streams=streams).wait() == 1
    assert len(list((tmp_path / "out").glob("*.jpg"))) == 2
    if number == 1:
        errors = (tmp_path / "errors").read_text()
        assert "7 done, 1 failed" in errors and "Traceback" not in errors and "Exception" not in errors

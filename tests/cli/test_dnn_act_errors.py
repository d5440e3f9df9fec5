"""Errors of ``dnn_act``."""

import shlex

import pytest
from PIL import Image

from saliency.cli import dnn_act
from tests.cli.activation_command import REQUIRED, SCENES, run, table

needs_torch, needs_tf = pytest.mark.needs("torch"), pytest.mark.needs("tensorflow")


NETWORK_ERRORS = {
    "-layer conv6 -chn 65": "-chn (=65) must be between 1 and 64: conv6 has 64 channels",
    "-layer conv6 fc1 -chn 1 11": "-chn (=11) must be between 1 and 10: fc1 has 10 channels",
    "-dmask row.dmask.csv": "row.dmask.csv: row (=25) must be between 1 and 24: conv6 has 24 rows",
    "-dmask layer.dmask.csv": "DemoNet has no layer 'fc9'; nearest: fc1",
    "-layer fc9": "DemoNet has no layer 'fc9'; nearest: fc1",
    "": "DemoNet has no list of layers, as DNNBrain's networks have; select some with -layer: conv1, bn1",
    "-layer fc1 -weights none.pth": "-weights (none.pth) must be a file",
    f"-layer fc1 -weights {'x' * 5000}": f"-weights ({'x' * 99}...{'x' * 19}) must be a file",
    f"-layer fc1 -device {'x' * 5000}": f"-device (={'x' * 98}...{'x' * 19}) must be a Torch device",
    f"-layer fc1 -net {'x' * 5000}": "...) must be a network's name",
}
EARLY_ERRORS = {
    "-layer conv6 -chn 0": "-chn: invalid channel '0': must be a whole number, counting from 1",
    "-layer conv6 fc1 -chn 1 2 3": "-chn (3 channels) must match -layer (2 layers)",
    "-layer fc1 fc1": "-layer (fc1 fc1) names a layer twice",
    "-chn 1": "-chn needs -layer",
    "-layer fc1 -dmask test.dmask.csv": "-dmask cannot be combined with -layer or -chn",
    "-dmask none.dmask.csv": "none.dmask.csv: No such file",
    "-layer fc1 -pool sum": "argument -pool: invalid choice: 'sum'",
    "-layer fc1 -o x": "unknown option -o; did you mean -out?",
    "-layer fc1 -net Demonett": "nearest: DemoNet",
}
COMMAND_ERRORS = {
    "-layer fc1 -stim seven.stim.csv": "required: -out",
    "-layer fc1 -out x.act.h5": "required: -stim",
    "-layer fc1 -stim seven.stim.csv -out x.h5": "-out (x.h5) must be a file whose name ends in .act.h5",
    "-layer fc1 -stim seven.stim.csv -out no/x.act.h5": "-out (no/x.act.h5) cannot be written",
    "-layer fc1 -stim none.stim.csv -out x.act.h5": "-stim (none.stim.csv) cannot be read",
    "-layer fc1 -stim twice.stim.csv -out x.act.h5": "scene_03.png is listed more than once (stimuli 1, 2)",
}


@pytest.mark.parametrize(
    ("command", "message"),
    [
        *(pytest.param(f"{REQUIRED} {case}", message, marks=needs_torch) for case, message in NETWORK_ERRORS.items()),
        *((f"{REQUIRED} {case}", message) for case, message in EARLY_ERRORS.items()),
        *COMMAND_ERRORS.items(),
    ],
)
def test_errors_are_one_line_and_nothing_is_written(command, message, folder, capsys):
    (folder / "row.dmask.csv").write_text("conv6=row\n25\n")
    (folder / "layer.dmask.csv").write_text("fc9=\n")
    table("twice", SCENES[:1] * 2)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    status, printed, errors = run(capsys, command)
    assert (status, printed) == (2, "")
    assert message in errors and "Traceback" not in errors and len(errors) < 1000
    assert errors.startswith("dnn_act: error: ") and len(errors.strip().splitlines()) == 1
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@needs_torch
def test_layers_with_unsupported_shapes_are_refused(tiny, folder, capsys):
    Image.new("RGB", (16, 16)).save("square.png")
    Image.new("RGB", (16, 20)).save("long.png")
    table("two", ["square.png", "long.png"], folder)
    status, _, errors = run(capsys, "-layer tokens -stim two.stim.csv -out x.act.h5", tiny.format("Tokens"))
    assert status == 2 and "-layer tokens outputs an array of shape (1, 3, 50176) for a batch of 1" in errors
    status, _, errors = run(capsys, "-layer times -batch 1 -stim two.stim.csv -out x.act.h5", tiny.format("Ragged"))
    assert (
        status == 2
        and "-layer times outputs (3, 16, 20) for inputs of shape (3, 16, 20), and (3, 16, 16) for a gray image" in errors
    )


def test_existing_files_are_refused_before_the_network_is_loaded(folder, capsys):
    for name in ("x.act.h5", "x_errors.csv"):
        (folder / name).write_text("mine")
        status, _, errors = run(capsys, "-layer fc1 -stim seven.stim.csv -out x.act.h5 -weights none.pth")
        assert status == 2 and f"{name} already exists; use -overwrite" in errors
        assert (folder / name).read_text() == "mine"
        (folder / name).unlink()


def test_cuda_selects_the_device_cuda():
    assert dnn_act._parser().parse(shlex.split(f"-net DemoNet {REQUIRED} -cuda")).device == "cuda"


@needs_torch
def test_debug_raises_the_error(folder):
    with pytest.raises(ValueError, match="no layer"):
        dnn_act.main(shlex.split(f"-net DemoNet -layer fc9 {REQUIRED} -debug"))

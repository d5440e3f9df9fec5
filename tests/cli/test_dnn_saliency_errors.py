"""Errors of ``dnn_saliency``."""

import sys

import pytest

from saliency.cli.dnn_saliency import main
from tests.cli.saliency_command import BUNDLED, NAMES, run, table

needs_torch = pytest.mark.needs("torch")
needs_tf = pytest.mark.needs("tensorflow")


@pytest.fixture
def stim(tmp_path):
    """A stimulus file of seven scenes."""
    return table(tmp_path, NAMES)


ERRORS = {
    "nothing to do": ([*BUNDLED, "-stim", "STIM"], "-out DIR"),
    "no display": ([*BUNDLED, "-stim", "STIM", "-show"], "-show needs a display"),
    "channel 0": (["-net", "DemoNet", "-layer", "fc1", "-chn", "0", "-stim", "STIM", "-out", "OUT"], "must be a whole number, counting from 1"),
    "channel 11": (["-net", "DemoNet", "-layer", "fc1", "-chn", "11", "-stim", "STIM", "-out", "OUT"], "must be between 1 and 10"),
    "channel x": (["-net", "DemoNet", "-layer", "fc1", "-chn", "x", "-stim", "STIM", "-out", "OUT"], "must be a whole number, counting from 1"),
    "channel twice": (["-net", "DemoNet", "-layer", "fc1", "-chn", "2", "2", "-stim", "STIM", "-out", "OUT"], "twice"),
    "layer": (["-net", "DemoNet", "-layer", "fc2", "-chn", "1", "-stim", "STIM", "-out", "OUT"], "nearest: fc1"),
    "net": (["-net", "DemoNett", "-layer", "fc1", "-chn", "1", "-stim", "STIM", "-out", "OUT"], "nearest: DemoNet"),
    "no ReLU on the way": (["-net", "DemoNet", "-layer", "conv1", "-chn", "1", "-stim", "STIM", "-out", "OUT"], "use -meth vanilla"),
    "method": ([*BUNDLED, "-stim", "STIM", "-out", "OUT", "-meth", "gradcm"], "did you mean gradcam?"),
    "abbreviation": ([*BUNDLED, "-stim", "STIM", "-o", "OUT"], "unknown option -o; did you mean -out?"),
    "misspelt": ([*BUNDLED, "-stim", "STIM", "-out", "OUT", "-hello"], "unknown option -hello"),
    "missing option": (["-net", "DemoNet", "-out", "OUT"], "required: -stim"),
    "vmin nan": ([*BUNDLED, "-stim", "STIM", "-out", "OUT", "-mode", "gray", "-vmin", "nan"], "finite number"),
    "vmin -inf": ([*BUNDLED, "-stim", "STIM", "-out", "OUT", "-mode", "gray", "-vmin", "-inf"], "finite number"),
    "vmin over vmax": ([*BUNDLED, "-stim", "STIM", "-out", "OUT", "-mode", "gray", "-vmin", "2", "-vmax", "1"], "less than"),
    "cmap": ([*BUNDLED, "-stim", "STIM", "-out", "OUT", "-mode", "gray", "-cmap", "coolwram"], "nearest: coolwarm"),
    "stim's name": ([*BUNDLED, "-stim", "stim.csv", "-out", "OUT"], ".stim.csv"),
    "no stim": ([*BUNDLED, "-stim", "none.stim.csv", "-out", "OUT"], "-stim (none.stim.csv) cannot be read"),
    "out too long": ([*BUNDLED, "-stim", "STIM", "-out", "OUT/" + "x" * 300], "must be a writable folder"),
    "no weights": ([*BUNDLED, "-stim", "STIM", "-out", "OUT", "-weights", ""], "-weights () must be a file"),
    "out is a file": ([*BUNDLED, "-stim", "STIM", "-out", "STIM"], "must be a folder"),
    "weights": ([*BUNDLED, "-stim", "STIM", "-out", "OUT", "-weights", "none.pth"], "-weights (none.pth) must be a file"),
}  # fmt: skip


NETWORK_CASES = {"channel 11", "layer", "no ReLU on the way", "out too long", "no weights", "weights"}


@pytest.mark.parametrize("case", [pytest.param(case, marks=needs_torch if case in NETWORK_CASES else ()) for case in ERRORS])
def test_errors_are_one_line_and_nothing_is_written(case, stim, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, message = ERRORS[case]
    status, printed, errors = run(capsys, *[word.replace("STIM", stim).replace("OUT", "out") for word in arguments])
    assert status == 2
    assert message in errors and "Traceback" not in errors and printed == ""
    assert len(errors.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["some.stim.csv"]


def test_a_missing_torch_is_an_error_with_the_install_command(stim, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    status, printed, errors = run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path / "out")
    assert (status, printed) == (2, "") and "pip install 'saliency-masks[torch]'" in errors and "Traceback" not in errors
    assert not (tmp_path / "out").exists()


def test_other_stimuli_and_folders_without_images_are_refused(tmp_path, capsys):
    video = tmp_path / "v.stim.csv"
    video.write_text("type=video\npath=a.mp4\ndata=stimID\n1")
    status, _, errors = run(capsys, *BUNDLED, "-stim", video, "-out", tmp_path / "out")
    assert status == 2 and "type video are not supported" in errors
    status, _, errors = run(capsys, *BUNDLED, "-stim", table(tmp_path, ["a.png"], "nowhere"), "-out", tmp_path / "out")
    assert status == 2 and "none of its 1 images is in" in errors and "nowhere" in errors
    assert not (tmp_path / "out").exists()


@needs_torch
def test_debug_raises_the_error(stim):
    with pytest.raises(ValueError, match="no layer"):
        main(["-net", "DemoNet", "-layer", "fc2", "-chn", "1", "-stim", stim, "-out", "out", "-debug"])


OPTION_ERRORS = {
    "a folder with NUL": (["-out", "a\0b"], "contains a NUL character"),
    "units of RGB maps": (["-units"], "-units needs -mode gray"),
    "maps without a folder": (["-save", "npz", "-show"], "-save npz needs -out"),
    "a number of copies": (["-smooth", "0"], "must be a whole number, at least 1"),
    "a setting": (["-set", "steps"], "must be NAME=VALUE"),
    "the batch": (["-set", "batch_size=2"], "-set batch_size=... is not an option of -meth guided"),
    "another target": (["-set", "y=7"], "-set y=... is not an option of -meth guided"),
    "an option of smoothing without -smooth": (
        ["-set", "seed=3"],
        "-set seed=... is an option of smoothing and needs -smooth N",
    ),
    "no folder": (["-out", ""], "-out must be a folder"),
    "an option of another method": (
        ["-set", "stepz=3", "-meth", "ig"],
        "-set stepz=... is not an option of -meth ig; did you mean x_steps?",
    ),
    "the inputs": (
        ["-set", "x=3", "-meth", "gradcam"],
        "-set x=... is not an option of -meth gradcam. Its options: layer, should_resize,",
    ),
    "an invalid value": (["-set", "x_steps=x", "-meth", "ig"], "x_steps"),
    "a string for a boolean": (["-set", "three_dims=yes", "-meth", "gradcam"], "`three_dims` (='yes') must be True or False"),
    "a string for a boolean of smoothing": (
        ["-set", "antithetic=no", "-smooth", "4"],
        "`antithetic` (='no') must be True or False",
    ),
    "a layer of the maps": (["-set", "layer=conv9", "-meth", "gradcam"], "nearest: conv"),
    "a device": (["-device", "nonsense"], "-device (=nonsense)"),
    "a missing device": (["-device", "cuda:99"], "-device (=cuda:99)"),
    "a framework": (["-framework", "jax"], "invalid choice"),
}


@needs_torch
@pytest.mark.parametrize("case", OPTION_ERRORS)
def test_errors_write_nothing(case, tmp_path, capsys):
    arguments, message = OPTION_ERRORS[case]
    out = [] if "-show" in arguments else ["-out", tmp_path / "out"]
    status, printed, errors = run(capsys, *BUNDLED, "-stim", table(tmp_path, NAMES), *out, *arguments)
    assert (status, printed) == (2, "") and message in errors and len(errors.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["some.stim.csv"]


@needs_tf
@pytest.mark.parametrize("device", ["nonsense", "gpu:99", "gpu:x"])
def test_a_missing_tensorflow_device_is_refused(device, tmp_path, capsys):
    arguments = ["-framework", "tf", "-device", device, "-out", tmp_path / "out"]
    status, _, errors = run(capsys, *BUNDLED, "-stim", table(tmp_path, NAMES), *arguments)
    assert status == 2 and f"-device (={device})" in errors and not (tmp_path / "out").exists()

"""The commands with user networks whose ``test_transform`` or ``preprocess`` fails."""

import csv

import h5py
import numpy as np
import pytest
from PIL import Image

from saliency import nets
from saliency.cli import dnn_act, dnn_saliency, saliency_report
from tests.cli.report_page import read
from tests.cli.saliency_command import table

pytestmark = pytest.mark.needs("torch")

SOURCE = """
import numpy as np
from saliency import nets


class Fine:
    def __init__(self):
        self.model = nets.load("DemoNet").model
        self.img_size = (96, 96)

    def test_transform(self, picture):
        return np.asarray(picture.resize((96, 96)), np.float32).transpose(2, 0, 1) / 255


class Always(Fine):
    def test_transform(self, picture):
        return {}["mean"]


class Flat(Fine):
    def test_transform(self, picture):
        return np.zeros(7)


class ChannelsLast(Fine):
    def test_transform(self, picture):
        return np.asarray(picture.resize((96, 96)), np.float32) / 255


class Narrow(Fine):
    def test_transform(self, picture):
        if picture.size == (5, 5):
            raise AttributeError("too narrow\\nby far")
        return super().test_transform(picture) + (np.inf if picture.size == (6, 6) else 0)


def written():
    def prepare(picture):
        raise TypeError("of my own")

    return nets.Network("written", nets.load("DemoNet").model, (96, 96), preprocess=prepare, paths={"fc1": "fc1"})
"""
OUTPUTS = {dnn_saliency.main: "out", dnn_act.main: "out.act.h5", saliency_report.main: "out.html"}
RULE = "`{}` must turn a picture into finite numbers of three axes, such as (3, height, width); it "
ERRORS_BY_NETWORK = {
    "Always": RULE.format("test_transform") + "raises KeyError: 'mean'",
    "Flat": RULE.format("test_transform") + "returned an array of shape (7,)",
    "written": RULE.format("preprocess") + "raises TypeError: of my own",
    "ChannelsLast": "The input seems to have its channels last, but the model expects (channels, height, width)",
}


@pytest.fixture
def arguments(tmp_path):
    """The arguments after ``-net``: four images, two of which a network may reject."""
    (tmp_path / "own.py").write_text(SOURCE)
    for name, size in (("good", 9), ("narrow", 5), ("bright", 6), ("fine", 8)):
        pixels = np.random.default_rng(size).integers(0, 256, (size, size, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    stim = table(tmp_path, ["good.png", "narrow.png", "bright.png", "fine.png"], tmp_path)
    return ["-layer", "fc1", "-chn", "4", "-stim", str(stim)]


@pytest.mark.parametrize("main", OUTPUTS)
@pytest.mark.parametrize("network", ERRORS_BY_NETWORK)
def test_preprocessing_that_always_fails_is_an_error_of_one_line(network, main, arguments, tmp_path, capsys):
    before = sorted(tmp_path.iterdir())
    status = main(["-net", f"{tmp_path / 'own.py'}:{network}", *arguments, "-out", str(tmp_path / OUTPUTS[main])])
    printed, errors = capsys.readouterr()
    lines = [line for line in errors.splitlines() if "note: -net" not in line]
    assert (status, printed, len(lines)) == (2, "", 1)
    assert ": error: " in lines[0] and ERRORS_BY_NETWORK[network] in lines[0]
    assert [path for path in sorted(tmp_path.iterdir()) if path.name != "__pycache__"] == before


@pytest.mark.parametrize("main", OUTPUTS)
def test_images_for_which_preprocessing_fails_are_reported(main, arguments, tmp_path, capsys):
    out = tmp_path / OUTPUTS[main]
    more = ["-save", "npz"] if main is dnn_saliency.main else []
    status = main(["-net", f"{tmp_path / 'own.py'}:Narrow", *arguments, "-out", str(out), *more])
    errors = capsys.readouterr().err
    rule = RULE.format("test_transform")
    messages = {
        "narrow.png": rule + "raises AttributeError: too narrow",
        "bright.png": rule + "returned NaN or infinite values",
    }
    assert status == 1 and "2 done, 2 failed" in errors and "Traceback" not in errors
    assert all(f"{name}: PREPARATION: {message}" in errors for name, message in messages.items())
    found = {dnn_saliency.main: figures, dnn_act.main: activations, saliency_report.main: page}[main](out, tmp_path)
    assert found == (messages, [True, False, False, True])


def figures(out, _):
    """Return the messages in the table of errors, and which images have maps."""
    (table,), (maps,) = out.glob("*_errors.csv"), out.glob("*.npz")
    with np.load(maps) as saved:
        numbers = saved["number"].tolist()
        assert saved["chn4"].any(axis=(1, 2, 3)).tolist() == [True] * len(numbers)
    return _rows(table), [i in numbers for i in (1, 2, 3, 4)]


def activations(out, folder):
    with h5py.File(out) as file:
        values = file["fc1"][:]
    return _rows(folder / "out_errors.csv"), np.isfinite(values).all(axis=tuple(range(1, values.ndim))).tolist()


def page(out, _):
    found = read(out)
    messages = [text.removeprefix("PREPARATION: ") for _, _, text in found.all("p", class_="failure")][-2:]
    return dict(zip(["narrow.png", "bright.png"], messages, strict=True)), [bool(one) for one in found.numbers("scores")]


def _rows(table):
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["stage"], row["code"]) for row in rows} == {("prepare", "PREPARATION")}
    return {row["stimID"]: row["message"] for row in rows}


def test_the_error_in_python_has_the_user_s_traceback(tmp_path):
    (tmp_path / "own.py").write_text(SOURCE)
    picture = Image.new("RGB", (5, 5))
    with pytest.raises(ValueError, match="raises AttributeError: too narrow$") as raised:
        nets.load(f"{tmp_path / 'own.py'}:Narrow").prepare(picture)
    assert raised.value.__cause__.__traceback__.tb_next is not None  # the line in the user's code
    assert nets.load(f"{tmp_path / 'own.py'}:Fine").prepare(picture).shape == (3, 96, 96)

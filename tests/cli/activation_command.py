"""Run ``dnn_act`` in tests."""

import shlex
from pathlib import Path

import h5py
import numpy as np

import saliency.demo
from saliency.cli import dnn_act

DEMO = Path(saliency.demo.__file__).parent
TINY = Path(__file__).parents[1] / "fixtures" / "dnnbrain_tinynet"
SCENES = [f"scene_{i:02d}.png" for i in (3, 7, 17, 21, 0, 1, 2)]
REQUIRED = "-stim seven.stim.csv -out x.act.h5"
NETWORK = """
import numpy as np, torch
from PIL import Image


class Tiny:
    def __init__(self):
        relu, pool, conv, linear = (getattr(torch.nn, name) for name in ("ReLU", "MaxPool2d", "Conv2d", "Linear"))
        self.model = torch.nn.Sequential()
        self.model.features = torch.nn.Sequential(
            conv(3, 4, 3, padding=1), relu(True), pool(2), conv(4, 6, 3, padding=1), relu(True), pool(2))
        self.model.between = torch.nn.Flatten()
        self.model.classifier = torch.nn.Sequential(linear(96, 10), relu(True), linear(10, 5))
        names = ("conv1", "conv1_relu", "conv1_maxpool", "conv2", "conv2_relu", "conv2_maxpool")
        self.layer2loc = {name: ("features", str(i)) for i, name in enumerate(names)}
        self.layer2loc |= {name: ("classifier", str(i)) for i, name in enumerate(("fc1", "fc1_relu", "fc2"))}
        self.img_size = (16, 16)
        weights = np.load(WEIGHTS)
        self.model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})

    def test_transform(self, picture):
        pixels = np.asarray(picture.resize((16, 16), Image.Resampling.BILINEAR), np.float32) / 255
        mean, std = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
        return ((pixels - mean) / std).transpose(2, 0, 1)


class Times(torch.nn.Module):
    def forward(self, x):
        return x * 1e30


class Overflowing:
    model, img_size = torch.nn.Sequential(Times(), torch.nn.Identity()), (16, 16)
    layer2loc = {"times": ("0",), "same": ("1",)}

    def test_transform(self, picture):
        return np.full((3, 16, 16), 1e10 if picture.size == (5, 5) else 1, np.float32)


class Centered(torch.nn.Module):
    def forward(self, x):
        return x - 0.5 * x.mean(0)


class Mixing:
    model, img_size = torch.nn.Sequential(torch.nn.AvgPool2d(2), Centered()), (16, 16)
    layer2loc = {"pool": ("0",), "mixed": ("1",)}
    test_transform = Tiny.test_transform


class Ragged(Overflowing):
    def test_transform(self, picture):
        return np.zeros((3, *picture.size), np.float32)


class Tokens(torch.nn.Module):
    def forward(self, x):
        return self.tokens(x.flatten(2))

    def __init__(self):
        super().__init__()
        self.tokens = torch.nn.Identity()
"""


def table(name, stimuli, path=DEMO / "scenes", folder=Path()):
    """Write a stimulus file."""
    (folder / f"{name}.stim.csv").write_text(f"type=image\npath={path}\ndata=stimID\n" + "\n".join(stimuli))


def run(capsys, command, net="DemoNet"):
    """Return the exit status and the printed output and errors."""
    status = dnn_act.main(shlex.split(f"-net {net} {command}"))
    return status, *capsys.readouterr()


def arrays(file):
    """Return the arrays of an HDF5 file, by name."""
    with h5py.File(file) as h5:
        return {name: dataset[:] for name, dataset in h5.items()}


def assert_same(ours, theirs):
    assert list(ours) == list(theirs)
    for name, array in theirs.items():
        np.testing.assert_array_equal(ours[name], array)

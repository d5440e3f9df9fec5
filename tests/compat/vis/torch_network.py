"""The network whose maps keras-vis computed, in Torch with channels first."""

import numpy as np
import pytest

from tests.compat.vis.keras_networks import WEIGHTS


def channels_first():
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class Rows(nn.Module):
        def forward(self, x):
            return x.movedim(1, -1).flatten(1)  # in the order of Keras's Flatten

    parts = {"c1": nn.Conv2d(3, 6, 3), "r1": nn.ReLU(), "p1": nn.MaxPool2d(2), "c2": nn.Conv2d(6, 8, 3), "relu": nn.ReLU(True)}
    parts |= {"flat": Rows(), "hidden": nn.Linear(72, 16), "r3": nn.ReLU(), "out": nn.Linear(16, 5)}
    model = nn.Sequential()
    for name, part in parts.items():
        model.add_module(name, part)
    for name, kernel, bias in zip(("c1", "c2", "hidden", "out"), WEIGHTS[::2], WEIGHTS[1::2], strict=True):
        order = (3, 2, 0, 1) if kernel.ndim == 4 else (1, 0)
        parts[name].weight.data, parts[name].bias.data = torch.tensor(kernel.transpose(order)), torch.tensor(bias)
    return model


def channels_moved_first(array):
    return np.moveaxis(array, -1, 0)

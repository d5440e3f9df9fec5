"""Activations of layers: forms of inputs, batches, and errors."""

import numpy as np
import pytest

import saliency
from saliency.core.errors import InputError, TargetError
from tests.core.function_models import X, net


@pytest.fixture
def model():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layers = {"conv": torch.nn.Conv2d(3, 4, 3), "relu": torch.nn.ReLU(inplace=True), "flat": torch.nn.Flatten(0)}
    network = torch.nn.Sequential(torch.nn.BatchNorm2d(3))
    for name, layer in layers.items():
        network.add_module(name, layer)
    return network.append(torch.nn.Unflatten(0, (-1, 4, 4, 4))).append(torch.nn.Flatten()).append(torch.nn.Linear(64, 2))


@pytest.mark.needs("torch")
def test_one_or_several_inputs_and_layers(model):
    import torch

    images = np.random.default_rng(0).normal(size=(5, 3, 6, 6)).astype(np.float32)
    with torch.no_grad():
        conv = model.eval()[:2](torch.tensor(images)).numpy()
        end = model(torch.tensor(images)).numpy()
    model.train()
    for x in (images, list(images), torch.tensor(images)):
        for size in (1, 2, "auto"):
            found = saliency.activations(model, ["conv", model[-1]], x, several=True, batch_size=size)
            np.testing.assert_allclose(found[0], conv, atol=1e-6)  # before the ReLU, which works in place
            np.testing.assert_allclose(found[1], end, atol=1e-6)
    one = saliency.activations(model, "conv", images[3])
    assert type(one) is np.ndarray and model.training
    np.testing.assert_allclose(one, conv[3], atol=1e-6)


@pytest.mark.needs("torch")
def test_other_inputs(model):
    import torch

    class Scaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.nn.Identity()

        def forward(self, x, scale, power=1):
            return self.inner(x * scale[:, None] ** power)

    x = np.arange(6.0, dtype=np.float32).reshape(3, 2)
    scale = np.array([1, 2, 3], np.float32)
    found = saliency.activations(Scaled(), "inner", x, {"scale": scale, "power": 2}, several=True, batch_size=2)
    np.testing.assert_allclose(found, x * scale[:, None] ** 2)
    with pytest.raises(InputError, match="forward pass failed"):
        saliency.activations(Scaled(), "inner", x, several=True)


@pytest.mark.needs("torch")
def test_samples_that_influence_each_other_are_evaluated_one_at_a_time():
    import torch

    class Centered(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.nn.Identity()

        def forward(self, x):
            return self.inner(x - x.mean(0))

    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    with pytest.warns(saliency.BatchWarning, match="influence each other"):
        found = saliency.activations(Centered(), "inner", x, several=True)
    np.testing.assert_array_equal(found, np.zeros_like(x))


@pytest.mark.needs("torch")
@pytest.mark.parametrize(
    ("layer", "options", "error", "message"),
    [
        ([], {}, InputError, r"`layer` \(=\[\]\) must be a layer, its name, or a list"),
        (None, {}, InputError, r"`layer` \(=None\) must be a layer"),
        ("con", {}, TargetError, r"`layer` \(='con'\) must be one of the model's 7 layers; nearest: conv"),
        ("conv/0", {}, TargetError, r"layer 'conv/0' returns a Tensor without the entry '0'"),
        ("flat", {}, TargetError, r"layer 'flat' returns the shape \(64,\) for 1 input\(s\); its first axis must be that of"),
        ("conv", {"several": 1}, InputError, r"`several` \(=1\) must be True or False"),
        ("conv", {"batch_size": 0}, InputError, r"`batch_size` \(=0\) must be a whole number, 1 or more"),
    ],
)
def test_errors(model, layer, options, error, message):
    with pytest.raises(error, match=message):
        saliency.activations(model.eval(), layer, np.ones((3, 6, 6)), **options)


def test_a_function_has_no_layers():
    with pytest.raises(TargetError, match="a function has no layers"):
        saliency.activations(net, "conv", X[0])

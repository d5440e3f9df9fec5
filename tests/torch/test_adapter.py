"""The Torch adapter computes autograd's gradient for inputs, models and targets of every kind."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from saliency import Vanilla
from tests.torch.small_network import FunctionModule, X, autograd_gradient, small_network


def test_gradient_equals_autograd():
    model = small_network()
    for y in range(5):
        np.testing.assert_array_equal(Vanilla(model, y).GetMasks(X), autograd_gradient(model, y))
        np.testing.assert_allclose(Vanilla(model, y).GetMask(X[1]), autograd_gradient(model, y)[1], rtol=1e-4, atol=1e-6)


def test_each_input_has_its_own_target():
    model = small_network()
    together = Vanilla(model).GetMasks(X, y=[0, [1, 2], 4, 3])
    expected = [
        autograd_gradient(model, 0)[0],
        (autograd_gradient(model, 1) + autograd_gradient(model, 2))[1],
        autograd_gradient(model, 4)[2],
        autograd_gradient(model, 3)[3],
    ]
    np.testing.assert_allclose(together, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["numpy", "list", "float64", "integers", "tensor", "tensor with graph", "double"])
def test_inputs_of_any_type(kind):
    model, x = small_network(), np.rint(X[0] * 3)
    expected = autograd_gradient(model, 2, x[None])[0]
    turn = {
        "numpy": lambda: x,
        "list": lambda: x.tolist(),
        "float64": lambda: x.astype(np.float64),
        "integers": lambda: x.astype(np.int16),
        "tensor": lambda: torch.tensor(x),
        "tensor with graph": lambda: torch.tensor(x, requires_grad=True) * 1,
        "double": lambda: torch.tensor(x, dtype=torch.float64),
    }
    mask = Vanilla(model, 2).GetMask(turn[kind]())
    assert mask.dtype == np.float32
    np.testing.assert_allclose(mask, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-5), (torch.bfloat16, 0.05), (torch.float16, 0.005)])
def test_half_and_double_precision(dtype, tolerance):
    model = small_network()
    expected = autograd_gradient(model, 2)
    mask = Vanilla(model.to(dtype), 2).GetMasks(X)
    assert mask.dtype == (np.float64 if dtype == torch.float64 else np.float32)
    assert np.abs(mask - expected).max() <= tolerance * np.abs(expected).max()
    smooth = Vanilla(model, 2).GetSmoothedMask(X[0], seed=1)
    reference = Vanilla(small_network(), 2).GetSmoothedMask(X[0], seed=1)
    assert np.abs(smooth - reference).max() <= 3 * tolerance * reference.max()


def test_layers_channels_and_units():
    model = small_network()

    def conv(model, x):
        return model.conv(x)

    expected = autograd_gradient(model, 4, read=lambda m, x: conv(m, x).mean((2, 3)))
    for layer in ("conv", model.conv):
        np.testing.assert_allclose(Vanilla(model, (layer, 4)).GetMasks(X), expected, atol=1e-8)
    unit = autograd_gradient(model, 4, read=lambda m, x: conv(m, x)[:, :, 3, 5])
    np.testing.assert_array_equal(Vanilla(model, ("conv", 4, 3, 5)).GetMasks(X), unit)
    assert np.argwhere(unit[0].any(0)).min(0).tolist() == [2, 4]  # what a 3 x 3 kernel at (3, 5) sees
    assert np.argwhere(unit[0].any(0)).max(0).tolist() == [4, 6]
    behind = autograd_gradient(model, 1, read=lambda m, x: torch.relu(m.bn(m.conv(x))).mean((2, 3)))
    np.testing.assert_allclose(Vanilla(model, ("relu", 1)).GetMasks(X), behind, atol=1e-8)
    both = Vanilla(model).GetMasks(X[:2], y=[("conv", 4), ("conv", 1)])
    np.testing.assert_allclose(both[0], expected[0], atol=1e-8)


def test_segmentation_output_is_averaged():
    model = small_network()
    net = torch.nn.Sequential(model.conv, model.bn)
    np.testing.assert_allclose(
        Vanilla(net, 3).GetMasks(X), autograd_gradient(net, 3, read=lambda m, x: m(x).mean((2, 3))), atol=1e-8
    )
    unit = autograd_gradient(net, 3, read=lambda m, x: m(x)[:, :, 1, 2])
    np.testing.assert_array_equal(Vanilla(net, (None, 3, 1, 2)).GetMasks(X), unit)


def test_callable_target():
    model = small_network()
    loss = Vanilla(model, lambda out: F.cross_entropy(out, torch.tensor([1] * len(out)), reduction="none")).GetMask(X[0])
    x = torch.tensor(X[:1], requires_grad=True)
    (expected,) = torch.autograd.grad(F.cross_entropy(model(x), torch.tensor([1])), x)
    np.testing.assert_allclose(loss, expected[0], atol=1e-7)


def test_a_model_that_moves_or_changes_type_later():
    model = small_network()
    mask = Vanilla(model, 2)
    expected = mask.GetMask(X[0])
    model.double()
    assert np.abs(mask.GetMask(X[0]) - expected).max() <= 1e-5 * np.abs(expected).max()


def test_a_layer_in_front_of_a_relu_in_place():
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(inplace=True), torch.nn.Flatten())
    expected = autograd_gradient(net, 2, read=lambda m, x: m[0](x).mean((2, 3)))
    np.testing.assert_allclose(Vanilla(net, ("0", 2)).GetMasks(X), expected, atol=1e-8)


def test_a_model_with_one_number_per_sample():
    model = FunctionModule(lambda x: x.square().mean((1, 2, 3)))
    for y in (0, None):
        np.testing.assert_allclose(Vanilla(model, y).GetMask(X[0]), X[0] * 2 / X[0].size, rtol=1e-5)


def test_buffers_that_another_thread_replaces_are_read_again():
    class Changing(torch.nn.Linear):
        attempts = 0

        def named_buffers(self, *rest, **options):
            self.attempts += 1
            if self.attempts == 1:
                raise RuntimeError("dictionary keys changed during iteration")
            return super().named_buffers(*rest, **options)

    model = Changing(3, 2)
    np.testing.assert_allclose(Vanilla(model, 1).GetMask(np.ones(3)), model.weight.detach()[1], rtol=1e-6)
    assert model.attempts > 1

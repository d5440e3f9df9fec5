"""Incremental occlusion equals full forward passes, for windows, inputs, targets and networks of every kind."""

import importlib.util
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency import nets
from tests.full_occlusion import full_occlusion
from tests.torch.incremental.comparison import (
    RNG,
    X,
    assert_equal_to_full,
    conv,
    float64_network,
    residual_network,
)


@pytest.mark.usefixtures("force_incremental")
@pytest.mark.parametrize("size", [(1, 1), (6, 6), (1, 20), (40, 3), (40, 48)])
@pytest.mark.parametrize("value", [0.3, "blur", X[2]], ids=["a number", "a blur", "another input"])
def test_windows_and_baselines(size, value, monkeypatch):
    model = float64_network(
        conv(stride=2), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(3, 2, 1, ceil_mode=True), conv(6, padding=1)
    )
    stride = tuple(min(5, one) for one in size) if max(size) > 1 else (1, 1)
    rows = slice(10, 22) if max(size) == 1 else slice(None)
    value = value[:, rows, rows] if isinstance(value, np.ndarray) else value
    assert_equal_to_full(model, monkeypatch, X[:1, :, rows, rows], size=size, stride=stride, value=value, average=True)


@pytest.mark.usefixtures("force_incremental")
@pytest.mark.parametrize("batch_size", [1, 2, 5, "auto"])
def test_several_inputs_and_targets(batch_size, monkeypatch):
    options = {"settings": {"batch_size": batch_size}, "size": 12, "stride": 10}
    assert_equal_to_full(residual_network(), monkeypatch, X, [2, [0, 1], 3], **options)
    assert_equal_to_full(residual_network(), monkeypatch, [X[0]] * 3 + [X[1]] * 3, [0, 1, 2] * 2, **options)
    assert_equal_to_full(residual_network(), monkeypatch, X, lambda outputs: outputs[:, 1] ** 2, **options)


@pytest.mark.usefixtures("force_incremental")
def test_targets_in_layers(monkeypatch):
    for layer in ("0", "2", "3.layers.0", "3", "4"):
        assert_equal_to_full(residual_network(), monkeypatch, y=(layer, range(6)))
    assert_equal_to_full(residual_network(), monkeypatch, y=("3.layers.0", 4, 8, 11))


@pytest.mark.usefixtures("force_incremental")
def test_network_with_patches_as_output(monkeypatch):
    model = nn.Sequential(conv(), nn.ReLU(), conv(6)).double()
    assert_equal_to_full(model, monkeypatch)
    assert_equal_to_full(model, monkeypatch, y=lambda outputs: torch.from_numpy(outputs.numpy()).amax((1, 2, 3)))
    assert_equal_to_full(nn.Sequential(model, nn.Sigmoid()), monkeypatch)


class Fed(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = residual_network()

    def forward(self, x, shift, scale):
        return self.inner(x * scale) + (x + shift[:, None, None, None]).amax((1, 2, 3))[:, None] * shift[:, None]


@pytest.mark.usefixtures("force_incremental")
def test_other_inputs(monkeypatch):
    assert_equal_to_full(Fed(), monkeypatch, X, feed_dict={"shift": np.array([0.5, 1.0, 2.0]), "scale": 2.0})


@pytest.mark.usefixtures("force_incremental")
def test_logits_are_found(monkeypatch):
    for end in (nn.Softmax(1), nn.Sigmoid()):
        model = nn.Sequential(residual_network(), end)
        found = assert_equal_to_full(model, monkeypatch)
        np.testing.assert_array_equal(found, assert_equal_to_full(model[0], monkeypatch))
        assert np.abs(assert_equal_to_full(model, monkeypatch, settings={"logits": False}) - found).max() > 0


@pytest.mark.usefixtures("force_incremental")
def test_float32_and_half_precision(monkeypatch):
    assert_equal_to_full(residual_network().float(), monkeypatch, within=1e-4)
    half = saliency.Occlusion(residual_network().bfloat16(), 1)  # agrees to the bit, or is computed plainly
    found = half.GetMasks(X, size=6, stride=5)
    np.testing.assert_allclose(found, full_occlusion(half, X, monkeypatch, size=6, stride=5), atol=1e-4 * np.abs(found).max())


def test_the_bundled_network(monkeypatch):
    network = nets.load("DemoNet")
    x = RNG.random((2, 3, 96, 96))
    for options in (
        {"size": 15, "stride": 8},
        {"size": 16, "stride": 12, "value": "blur"},
        {"size": (40, 9), "stride": (20, 9)},
    ):
        assert_equal_to_full(network.model, monkeypatch, x, [3, 5], within=1e-4, **options)


@pytest.mark.skipif(not importlib.util.find_spec("torchvision"), reason="torchvision is not installed")
@pytest.mark.usefixtures("force_incremental")
@pytest.mark.parametrize(
    ("name", "side"),
    [("squeezenet1_0", 96), ("resnet18", 64), ("vgg", 64), ("mobilenet_v2", 64), ("googlenet", 64), ("densenet121", 64)],
)
def test_networks(name, side, monkeypatch):
    from torchvision import models

    torch.manual_seed(0)
    extra = {"init_weights": False} if name == "googlenet" else {}
    if name == "vgg":  # without its dense layers, which are most of it
        features = models.vgg.make_layers(models.vgg.cfgs["A"], batch_norm=True)
        model = nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    else:
        model = getattr(models, name)(weights=None, **extra)
    model = model.double().eval()
    x, options = RNG.normal(size=(1, 3, side, side + 8)), {"size": (20, 24), "stride": (20, 24)}
    assert_equal_to_full(model, monkeypatch, x, [[0, 1, 2, 3, 4, 5]], within=1e-6, **options)


def state(model):
    tensors = [*model.parameters(), *model.buffers()]
    return [(t.clone(), t.grad, t._version, t.data_ptr(), t.requires_grad) for t in tensors], [
        m.training for m in model.modules()
    ]


@pytest.mark.usefixtures("force_incremental")
@pytest.mark.parametrize("y", [1, lambda outputs: 1 / 0])
def test_model_state_is_preserved(y):
    model = residual_network().train()
    model[1].eval()
    (before, modes), random = state(model), torch.random.get_rng_state()
    if callable(y):
        with pytest.raises(ZeroDivisionError):
            saliency.Occlusion(model, y).GetMask(X[0], size=6, stride=5)
    else:
        assert saliency.Occlusion(model, y).GetMask(X[0], size=6, stride=5).details["incremental"]
    after, modes_after = state(model)
    assert modes == modes_after and torch.equal(random, torch.random.get_rng_state()) and torch.is_grad_enabled()
    for one, other in zip(before, after, strict=True):
        assert torch.equal(one[0], other[0]) and one[1:] == other[1:]
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.usefixtures("force_incremental")
def test_same_numbers_in_threads():
    mask, lock = saliency.Occlusion(residual_network(), 1), threading.Barrier(3)

    def one(x):
        lock.wait()
        return mask.GetMask(x, size=6, stride=5)

    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(one, X))
    for x, found in zip(X, together, strict=True):
        assert found.details["incremental"]
        np.testing.assert_array_equal(found, mask.GetMask(x, size=6, stride=5))


@pytest.mark.usefixtures("force_incremental")
def test_under_other_grad_modes(monkeypatch):
    model = residual_network()
    expected = assert_equal_to_full(model, monkeypatch)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            np.testing.assert_array_equal(assert_equal_to_full(model, monkeypatch), expected)


@pytest.mark.usefixtures("force_incremental")
def test_batch_that_does_not_fit_is_halved(monkeypatch):
    sizes = []

    class OutOfMemoryModel(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = residual_network()

        def forward(self, x):
            sizes.append(len(x))
            if len(x) > 9:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return self.inner(x)

    assert_equal_to_full(OutOfMemoryModel(), monkeypatch, X, settings={"batch_size": 8})
    assert max(sizes) > 9 > sizes[-1] and sum(size > 9 for size in sizes) <= 4

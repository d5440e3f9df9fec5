"""Occlusion that computes anew only what a window changes, against forward passes of the covered inputs."""

import importlib.util
import math
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import saliency
from saliency import nets
from saliency.core.methods import incremental_occlusion
from saliency.torch.adapter import TorchAdapter

RNG = np.random.default_rng(4)
X = RNG.normal(size=(3, 3, 40, 48))


@pytest.fixture
def always(monkeypatch):
    """The incremental way, whether it pays or not."""
    monkeypatch.setattr(incremental_occlusion, "MIN_WINDOWS", 0)
    monkeypatch.setattr(incremental_occlusion, "MIN_SAVED_FRACTION", -math.inf)


@pytest.fixture
def steps(monkeypatch):
    """The operators that the incremental way went through on patches, and that it gave whole maps."""
    made, offer = [], TorchAdapter.occluded_outputs
    monkeypatch.setattr(TorchAdapter, "occluded_outputs", lambda *args: made.append(offer(*args)) or made[-1])

    def names(dense=False):
        return [one.func.overloadpacket.__name__ for one in made[-1]._tape.kept if one.dense == dense]

    return names


def plain(mask, x, monkeypatch, **options):
    with monkeypatch.context() as patched:
        patched.setattr(incremental_occlusion, "MIN_WINDOWS", math.inf)
        found = mask.GetMasks(x, **options)
    assert not found.details["incremental"].any()
    return found


def compare(model, monkeypatch, x=X[:1], y=1, within=1e-9, settings=None, **options):
    """Hold the incremental way against the plain one."""
    options = {"size": 6, "stride": 5, **options}
    mask = saliency.Occlusion(model, **(settings or {}))
    expected, found = plain(mask, x, monkeypatch, y=y, **options), mask.GetMasks(x, y=y, **options)
    assert found.details["incremental"].all()
    for one, other in zip(found, expected, strict=True):
        assert np.abs(one - other).max() <= within * np.abs(other).max()
        assert np.abs(other).max() > 0
    return found


def in_float64(*layers):
    torch.manual_seed(0)
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.LazyLinear(4)).double().eval()
    model(torch.zeros(1, 3, 40, 48, dtype=torch.float64))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.normal_(module.weight)
    return model


class Applied(nn.Module):
    def __init__(self, function, *layers):
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, x):
        return self.function(x, *self.layers)


def conv(channels=3, out=6, kernel=3, **options):
    return nn.Conv2d(channels, out, kernel, **options)


POOLS = [
    nn.MaxPool2d(2), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(3, 2, ceil_mode=True), nn.MaxPool2d((2, 3), (3, 2), (0, 1), ceil_mode=True),
    nn.MaxPool2d(2, 1, dilation=3), nn.MaxPool2d(2, 3), nn.AvgPool2d(2), nn.AvgPool2d(3, 2, 1), nn.AvgPool2d((1, 4), (1, 2)),
    nn.AvgPool2d(2, divisor_override=3),
]  # fmt: skip

FOLLOWED = {
    "convolution": [conv()],
    "padded": [conv(padding=1), conv(6)],
    "far out": [conv(padding=4), conv(6, padding=(3, 0))],
    "same": [conv(kernel=(3, 5), padding="same"), conv(6, kernel=5, padding="same")],
    "striding": [conv(stride=2, padding=1), conv(6, stride=(1, 3)), conv(6, kernel=1, stride=2)],
    "leaving out": [conv(kernel=2, stride=4), conv(6, kernel=1, stride=2)],
    "dilated": [conv(dilation=2, padding=2), conv(6, dilation=(3, 1), stride=2)],
    "in groups": [conv(), conv(6, groups=3, padding=1), conv(6, 12, groups=6, padding=1)],
    "without bias": [conv(bias=False), conv(6, bias=False)],
    "reflecting is not followed, what comes first is": [conv(), nn.ReflectionPad2d(1), conv(6)],
    "padding alone": [nn.ZeroPad2d((1, 2, 3, 0)), conv(), nn.ConstantPad2d(2, 0.5), conv(6)],
    "batch norm": [conv(), nn.BatchNorm2d(6), nn.ReLU(inplace=True), conv(6)],
    "dropout": [conv(), nn.Dropout2d(0.5), nn.Dropout(0.5), conv(6)],
    "activations": [
        conv(), nn.ReLU(), nn.ReLU6(inplace=True), nn.LeakyReLU(0.1), nn.ELU(inplace=True), nn.SiLU(), nn.GELU(), nn.Hardswish(),
        nn.PReLU(6), nn.Sigmoid(), nn.Tanh(), nn.Softplus(), conv(6),
    ],
    "arithmetic": [conv(), Applied(lambda x: (2 * x - 1) / 3 + x.abs().sqrt() - x.clamp(-1, 1) ** 2), conv(6)],
    "one number a channel": [Applied(lambda x: x * torch.arange(1.0, 4).reshape(3, 1, 1).double()), conv()],
    "branches of several reaches": [
        conv(), Applied(lambda x, a, b: a(x) + b(x) * x, conv(6, padding=1), conv(6, kernel=5, padding=2)), conv(6),
    ],
    "residual, in place": [conv(), Applied(lambda x, a: F.relu_(a(x).add_(x)), conv(6, padding=1)), conv(6)],
    "a copy that is changed": [conv(), Applied(lambda x: x.detach().relu_() + x), conv(6)],
    "fire": [
        conv(), Applied(lambda x, a, b: torch.cat([a(x), b(x), x], 1), conv(6, kernel=1), conv(6, padding=1)), conv(18),
    ],
    **{str(pool): [conv(), pool, conv(6, padding=1)] for pool in POOLS},
}  # fmt: skip


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("name", FOLLOWED)
def test_operators_that_are_followed(name, monkeypatch, steps):
    compare(in_float64(*FOLLOWED[name]), monkeypatch)
    if "not followed" not in name:
        assert steps().count("convolution") == sum(isinstance(m, nn.Conv2d) for m in in_float64(*FOLLOWED[name]).modules())
        assert not steps(dense=True)


OTHERS = {
    "means at the border": [conv(), nn.AvgPool2d(3, 2, 1, count_include_pad=False), conv(6)],
    "means that stick out": [conv(), nn.AvgPool2d(3, 2, ceil_mode=True), conv(6)],
    "transposed": [conv(), nn.ConvTranspose2d(6, 6, 3, stride=2), conv(6)],
    "cropped by padding": [conv(), nn.ZeroPad2d(-2), conv(6)],
    "group norm": [conv(), nn.GroupNorm(2, 6), conv(6)],
    "a gate of all": [conv(), Applied(lambda x: x * x.mean((2, 3), keepdim=True).sigmoid()), conv(6)],
    "a mean early": [Applied(lambda x: x - x.mean((1, 2, 3), keepdim=True)), conv()],
    "rows joined": [conv(), Applied(lambda x: torch.cat([x, x], 2)), conv(6)],
    "places that count": [conv(), Applied(lambda x: x + torch.arange(46.0).double()), conv(6)],
    "a part in place": [conv(), Applied(lambda x: (x[:, :2].mul_(0.0), x)[1] + 1), conv(6)],
    "a part of the input, in place": [Applied(lambda x: (x[:, 0].add_(x[:, 1]), x)[1] + 1), conv()],
    "reshaped in front": [Applied(lambda x: x.reshape(len(x), 12, 20, 24)), conv(12)],
    "rows turned": [conv(), Applied(lambda x: x.flip(2).transpose(2, 3)), conv(6)],
    "looked at": [conv(), Applied(lambda x: x * 2 if x.mean() > 100 else x * 3), conv(6)],
    "into one vector": [nn.Flatten(), nn.Linear(5760, 30), nn.Unflatten(1, (30, 1, 1))],
}


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("name", OTHERS)
def test_operators_that_are_given_whole_maps(name, monkeypatch, steps):
    compare(in_float64(*OTHERS[name]), monkeypatch)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.end = nn.LSTM(3 * 40, 8, batch_first=True).double(), nn.Linear(8, 3).double()

    def forward(self, x):
        return self.end(self.lstm(x.flatten(1, 2).transpose(1, 2))[0][:, -1])


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = conv(3, 64, 4, stride=4).double()
        self.layer = nn.TransformerEncoderLayer(64, 2, 128, batch_first=True, dtype=torch.float64)
        self.end = nn.Linear(64, 3).double()

    def forward(self, x):
        return self.end(self.layer(self.patches(x).flatten(2).transpose(1, 2)).mean(1))


@pytest.mark.parametrize("model", [Recurrent, Attention])
def test_what_can_not_be_served_is_computed_plainly(model, monkeypatch):
    torch.manual_seed(0)
    mask = saliency.Occlusion(model().eval(), 1)
    found = mask.GetMasks(X[:2], size=8, stride=4)
    assert not found.details["incremental"].any()
    np.testing.assert_array_equal(found, plain(mask, X[:2], monkeypatch, size=8, stride=4))


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("size", [(1, 1), (6, 6), (1, 20), (40, 3), (40, 48)])
@pytest.mark.parametrize("value", [0.3, "blur", X[2]], ids=["a number", "a blur", "another input"])
def test_windows_and_covers(size, value, monkeypatch):
    model = in_float64(conv(stride=2), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(3, 2, 1, ceil_mode=True), conv(6, padding=1))
    stride = tuple(min(5, one) for one in size) if max(size) > 1 else (1, 1)
    rows = slice(10, 22) if max(size) == 1 else slice(None)
    value = value[:, rows, rows] if isinstance(value, np.ndarray) else value
    compare(model, monkeypatch, X[:1, :, rows, rows], size=size, stride=stride, value=value, average=True)


def residual(end=()):
    body = Applied(lambda x, a: F.relu(a(x) + x), conv(6, padding=1))
    return in_float64(conv(stride=2), nn.BatchNorm2d(6), nn.ReLU(True), body, *end)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("batch_size", [1, 2, 5, "auto"])
def test_several_inputs_and_targets(batch_size, monkeypatch):
    settings = {"batch_size": batch_size}
    compare(residual(), monkeypatch, X, [2, [0, 1], 3], settings=settings)
    compare(residual(), monkeypatch, [X[0]] * 3 + [X[1]] * 3, [0, 1, 2] * 2, settings=settings)
    compare(residual(), monkeypatch, X, lambda outputs: outputs[:, 1] ** 2, settings=settings)


@pytest.mark.usefixtures("always")
def test_layers_of_which_the_output_is_explained(monkeypatch):
    for layer in ("0", "2", "3.layers.0", "3", "4"):
        compare(residual(), monkeypatch, y=(layer, range(6)))
    compare(residual(), monkeypatch, y=("3.layers.0", 4, 8, 11))


@pytest.mark.usefixtures("always")
def test_a_network_that_ends_in_patches(monkeypatch):
    model = nn.Sequential(conv(), nn.ReLU(), conv(6)).double()
    compare(model, monkeypatch)
    compare(model, monkeypatch, y=lambda outputs: torch.from_numpy(outputs.numpy()).amax((1, 2, 3)))
    compare(nn.Sequential(model, nn.Sigmoid()), monkeypatch)


class Fed(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = residual()

    def forward(self, x, shift, scale):
        return self.inner(x * scale) + (x + shift[:, None, None, None]).amax((1, 2, 3))[:, None] * shift[:, None]


@pytest.mark.usefixtures("always")
def test_other_inputs(monkeypatch):
    compare(Fed(), monkeypatch, X, feed_dict={"shift": np.array([0.5, 1.0, 2.0]), "scale": 2.0})


@pytest.mark.usefixtures("always")
def test_logits_are_found(monkeypatch):
    for end in (nn.Softmax(1), nn.Sigmoid()):
        model = nn.Sequential(residual(), end)
        found = compare(model, monkeypatch)
        np.testing.assert_array_equal(found, compare(model[0], monkeypatch))
        assert np.abs(compare(model, monkeypatch, settings={"logits": False}) - found).max() > 0


@pytest.mark.usefixtures("always")
def test_float32_and_half_precision(monkeypatch):
    compare(residual().float(), monkeypatch, within=1e-4)
    half = saliency.Occlusion(residual().bfloat16(), 1)  # agrees to the bit, or is computed plainly
    found = half.GetMasks(X, size=6, stride=5)
    np.testing.assert_allclose(found, plain(half, X, monkeypatch, size=6, stride=5), atol=1e-4 * np.abs(found).max())


def test_the_embedded_network(monkeypatch):
    network = nets.load("DemoNet")
    x = RNG.random((2, 3, 96, 96))
    for options in (
        {"size": 15, "stride": 8},
        {"size": 16, "stride": 12, "value": "blur"},
        {"size": (40, 9), "stride": (20, 9)},
    ):
        compare(network.model, monkeypatch, x, [3, 5], within=1e-4, **options)


@pytest.mark.skipif(not importlib.util.find_spec("torchvision"), reason="torchvision is not installed")
@pytest.mark.usefixtures("always")
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
    compare(
        model, monkeypatch, RNG.normal(size=(1, 3, side, side + 8)), [[0, 1, 2, 3, 4, 5]], 1e-6, size=(12, 16), stride=(12, 16)
    )


class Liar(nn.Module):
    """It tells patches from whole maps, and gives something else for them."""

    def __init__(self, error):
        super().__init__()
        self.inner, self.error = residual(), error

    def forward(self, x):
        patched = type(x) is not torch.Tensor
        return self.inner(x) * (1 + self.error * patched)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("error", [0.5, 1e-3])
def test_what_differs_is_computed_plainly(error, monkeypatch):
    mask = saliency.Occlusion(Liar(error), 1)
    found = mask.GetMasks(X, size=6, stride=5)
    assert not found.details["incremental"].any()
    np.testing.assert_array_equal(found, plain(mask, X, monkeypatch, size=6, stride=5))


class Moody(nn.Module):
    """It takes another way through its operators each time."""

    def __init__(self):
        super().__init__()
        self.inner, self.times = residual(), 0

    def forward(self, x):
        self.times += 1
        return self.inner(x * 1.0 if self.times % 3 else x + 0.0)


class Foreign(nn.Module):
    """It leaves Torch on the way."""

    def __init__(self):
        super().__init__()
        self.inner = residual()

    def forward(self, x):
        return self.inner(torch.from_numpy(x.numpy() * 2))


class Positions(nn.Module):
    """It uses the positions of maxima."""

    def __init__(self):
        super().__init__()
        self.inner = residual()

    def forward(self, x):
        return self.inner(F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2))


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("model", [Moody, Foreign, Positions])
def test_what_can_not_be_followed_is_computed_plainly(model, monkeypatch):
    mask = saliency.Occlusion(model(), 1)
    found = mask.GetMasks(X, size=6, stride=5)
    assert not found.details["incremental"].any()
    np.testing.assert_allclose(found, plain(mask, X, monkeypatch, size=6, stride=5), rtol=1e-12)


@pytest.mark.usefixtures("always")
def test_a_user_s_hooks_see_what_they_always_saw():
    model, seen = residual(), []
    with model[3].register_forward_hook(lambda *args: seen.append(type(args[2]))):
        assert not saliency.Occlusion(model, 1).GetMask(X[0], size=6, stride=5).details["incremental"]
    assert set(seen) == {torch.Tensor}
    assert saliency.Occlusion(model, 1).GetMask(X[0], size=6, stride=5).details["incremental"]


@pytest.mark.usefixtures("always")
def test_scripted_modules_are_computed_plainly():
    model = residual()
    with pytest.warns(DeprecationWarning):
        traced = torch.jit.trace(model, torch.from_numpy(X[:1]))
    mask = saliency.Occlusion(traced, 1).GetMask(X[0], size=6, stride=5)
    assert not mask.details["incremental"]
    np.testing.assert_allclose(saliency.Occlusion(model, 1).GetMask(X[0], size=6, stride=5), mask, rtol=1e-9, atol=1e-12)


def state(model):
    tensors = [*model.parameters(), *model.buffers()]
    return [(t.clone(), t.grad, t._version, t.data_ptr(), t.requires_grad) for t in tensors], [
        m.training for m in model.modules()
    ]


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("y", [1, lambda outputs: 1 / 0])
def test_the_model_is_left_as_it_was(y):
    model = residual().train()
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


@pytest.mark.usefixtures("always")
def test_the_same_call_gives_the_same_numbers_also_in_threads():
    mask, lock = saliency.Occlusion(residual(), 1), threading.Barrier(3)

    def one(x):
        lock.wait()
        return mask.GetMask(x, size=6, stride=5)

    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(one, X))
    for x, found in zip(X, together, strict=True):
        assert found.details["incremental"]
        np.testing.assert_array_equal(found, mask.GetMask(x, size=6, stride=5))


@pytest.mark.usefixtures("always")
def test_under_other_grad_modes(monkeypatch):
    model = residual()
    expected = compare(model, monkeypatch)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            np.testing.assert_array_equal(compare(model, monkeypatch), expected)


def test_where_it_does_not_pay_it_is_not_taken():
    network = nets.load("DemoNet")
    x = RNG.random((3, 96, 96))
    taken = {
        size: bool(saliency.Occlusion(network.model, 3).GetMask(x, size=size, stride=stride).details["incremental"])
        for size, stride in ((8, 8), (15, 15), (48, 48), (90, 2))
    }
    assert taken == {8: True, 15: True, 48: False, 90: False}


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("shape", [(3, 40), (2, 3, 8, 9)])
def test_signals_and_volumes_are_computed_plainly(shape):
    layer = nn.Conv1d(3, 2, 3) if len(shape) == 2 else nn.Conv3d(2, 2, 3)
    assert not saliency.Occlusion(layer, 1).GetMask(RNG.normal(size=shape), size=2, stride=2).details["incremental"]


@pytest.mark.usefixtures("always")
def test_what_does_not_fit_into_memory_is_halved(monkeypatch):
    sizes = []

    class Greedy(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = residual()

        def forward(self, x):
            sizes.append(len(x))
            if len(x) > 9:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return self.inner(x)

    compare(Greedy(), monkeypatch, X, settings={"batch_size": 8})
    assert max(sizes) > 9 > sizes[-1] and sum(size > 9 for size in sizes) <= 4

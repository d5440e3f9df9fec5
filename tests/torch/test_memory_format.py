"""Models run on channels-last images where that is faster, and masks have the same numbers."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency.torch import channels_last_weights, memory_format

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3, 64, 64)).astype(np.float32)


class FormatRecorder(nn.Module):
    """Records the memory format of its hidden layer, and flattens it by a given function."""

    def __init__(self, flatten):
        super().__init__()
        self.conv, self.head, self.flatten, self.orders = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8 * 64 * 64, 5), flatten, []

    def forward(self, x):
        hidden = torch.relu(self.conv(x))
        self.orders.append("last" if hidden.is_contiguous(memory_format=torch.channels_last) else "first")
        return self.head(self.flatten(hidden))


def format_recorder(flatten=lambda hidden: hidden.flatten(1)):
    torch.manual_seed(0)
    return FormatRecorder(flatten).eval()


def by_hand(model, y):
    x = torch.tensor(X, requires_grad=True)
    return torch.autograd.grad(model(x)[:, y].sum(), x)[0].numpy()


def assert_close(got, expected):
    assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max()
    assert np.abs(expected).max() > 0
    assert got.flags["C_CONTIGUOUS"]


def test_images_are_channels_last_and_masks_contiguous():
    model = format_recorder()
    assert_close(saliency.Vanilla(model, 2).GetMasks(X), by_hand(model, 2))
    assert model.orders == ["last", "last", "first"]  # ours, and the check that the samples are independent


def test_model_that_needs_contiguous_images():
    model = format_recorder(lambda hidden: hidden.view(len(hidden), -1))  # which channels last does not allow
    mask = saliency.Vanilla(model, 2)
    for _ in range(2):
        assert_close(mask.GetMasks(X), by_hand(model, 2))
    assert model.orders == ["last", "first", "first", "first", "first", "first"]  # ours: all but the fourth of them


class Flat(torch.autograd.Function):
    """Its backward pass needs contiguous gradients."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient.view(-1).reshape(gradient.shape)


def test_backward_pass_that_needs_contiguous_gradients():
    model = format_recorder()
    whole = nn.Sequential(model)
    whole.forward = lambda x: model(Flat.apply(x))
    assert_close(saliency.Vanilla(whole, 2).GetMasks(X), by_hand(model, 2))
    assert model.orders == ["last", "first", "first", "first"]


def test_other_model_errors_keep_channels_last():
    model = format_recorder()
    mask = saliency.Vanilla(model, 2)
    with pytest.raises(saliency.InputError):
        mask.GetMask(X[0, :, :60])
    mask.GetMasks(X)
    assert model.orders[-1] == "last"


@pytest.mark.parametrize(
    ("change", "x"),
    [
        pytest.param(lambda model: model.double(), X, id="double precision"),
        pytest.param(lambda model: model.bfloat16(), X, id="half precision"),
        pytest.param(lambda model: nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 5)), X, id="no convolution"),
        pytest.param(lambda model: model, X[:, :, :8, :8], id="small"),
    ],
)
def test_contiguous_where_channels_last_is_not_faster(change, x, monkeypatch):
    requested = []
    whole = torch.Tensor.contiguous
    monkeypatch.setattr(torch.Tensor, "contiguous", lambda self, **how: requested.append(how) or whole(self, **how))
    model = change(format_recorder(lambda hidden: nn.functional.interpolate(hidden, (64, 64)).flatten(1)))
    saliency.Vanilla(model, 2).GetMasks(x)
    assert {"memory_format": torch.channels_last} not in requested


def test_contiguous_for_large_weights():
    """Weights are converted at every call, which pays for six images and not for one."""
    model = nn.Sequential(
        nn.Conv2d(3, 400, 3), nn.ReLU(), nn.Conv2d(400, 400, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    memory = memory_format.MemoryFormat(model, 0)
    weights = 3 * 400 * 9 + 400 * 400 * 9  # 1.5 million
    assert 50 * 4 * 64 * 64 < weights < 100 * 4 * 64 * 64
    order = lambda x: x.is_contiguous(memory_format=torch.channels_last)  # noqa: E731
    x = torch.tensor(X)
    assert (memory.call(order, x), memory.call(order, x, backward=True)) == (True, False)
    assert memory.call(order, torch.tensor(np.concatenate([X] * 5)), backward=True)


def test_out_of_memory_is_raised_at_once():
    calls = []

    def call(x):
        calls.append(len(x))
        raise torch.OutOfMemoryError("no more")

    with pytest.raises(torch.OutOfMemoryError):
        memory_format.MemoryFormat(format_recorder(), 0).call(call, torch.tensor(X))
    assert calls == [4]


def test_weights_are_converted_once_per_run_after_the_first_pass(monkeypatch):
    model, copies = format_recorder(), []
    copy = channels_last_weights.ChannelsLastWeights._converted
    monkeypatch.setattr(
        channels_last_weights.ChannelsLastWeights, "_converted", lambda *args: (copies.append(copy(*args)), copies[-1])[1]
    )
    mask = saliency.Vanilla(model, 2, batch_size=1)
    got = mask.GetSmoothedMask(X[0], nsamples=4, seed=0)
    assert len(copies) == 3 and len({one.data_ptr() for one in copies}) == 1
    assert copies[0].is_contiguous(memory_format=torch.channels_last) and torch.equal(copies[0], model.conv.weight)
    assert model.conv.weight.is_contiguous() and model.conv.weight.data_ptr() != copies[0].data_ptr()
    monkeypatch.setattr(memory_format, "MIN_PIXELS", 10**9)
    assert_close(got, mask.GetSmoothedMask(X[0], nsamples=4, seed=0))
    assert len(copies) == 3


def test_changed_weights_are_converted_again():
    conv, x = nn.Conv2d(3, 4, 3), torch.from_numpy(X)
    with channels_last_weights.ChannelsLastWeights([conv.weight]), torch.no_grad():
        before = conv(x)
        conv.weight.mul_(2)
        conv.bias.mul_(2)
        assert torch.allclose(conv(x), 2 * before, atol=1e-5)

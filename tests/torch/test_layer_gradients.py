"""Gradients with respect to a layer's input: those of the model cut off in front of it, and a model left as it was."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency import Deconvnet, GuidedBackprop, Vanilla
from saliency.core.errors import GradientError, InputError, NoReLUError, TargetError
from saliency.core.request import Request
from tests.torch.test_adapter import state_of
from tests.torch.test_features import X, net

METHODS = [Vanilla, GuidedBackprop, Deconvnet]


def chain(inplace=True, end=None):
    """A chain of layers: every one's input is the output of the one before."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(inplace), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3), nn.ReLU(inplace), nn.Flatten(),
        nn.Linear(5 * 5 * 3, 8), nn.ReLU(inplace), nn.Linear(8, 4), *([end] if end else []),
    ).eval()  # fmt: skip


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("at", range(8))
def test_it_is_the_gradient_of_what_follows(method, at, inplace):
    model, before = chain(inplace), None
    before = state_of(model)
    with torch.no_grad():
        h = chain(inplace=False)[:at](torch.tensor(X))
    got = method(model, 2).GetMasks(X, at=str(at))
    assert got.shape == tuple(h.shape) and got.any() and state_of(model) == before
    np.testing.assert_array_equal(got, method(model, 2).GetMasks(X, at=model[at]))
    np.testing.assert_allclose(got, method(chain(inplace=False)[at:], 2).GetMasks(h), rtol=1e-5, atol=1e-7)


def test_of_a_linear_layer_it_is_a_row_of_its_weights():
    model = chain()
    np.testing.assert_array_equal(Vanilla(model, 2, at="8").GetMask(X[0]), model[8].weight[2].detach())
    np.testing.assert_allclose(
        GuidedBackprop(model, 2).GetMask(X[0], at=model[7]),
        model[8].weight[2].detach().clamp(min=0) * (model[:7](torch.tensor(X[:1]))[0] > 0),
    )


def test_the_whole_model_s_input_is_the_input():
    model = chain()
    for method in METHODS:
        np.testing.assert_array_equal(method(model, 1).GetMasks(X, at=model), method(model, 1).GetMasks(X))


@pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")  # a channel that is dead for two of them
@pytest.mark.parametrize("y", [("3", 2), ("3", 2, 1, 1), ("4", 2), ("6", 5), lambda out: out[:, :2].sum(1), None])
def test_with_targets_of_every_kind(y):
    model = chain()
    h = chain(inplace=False)[:3](torch.tensor(X)).detach().requires_grad_()
    inner = [h]
    for part in chain(inplace=False)[3:]:
        inner.append(part(inner[-1]))
    score = {3: lambda: inner[1][:, 2], 4: lambda: inner[2][:, 2], 6: lambda: inner[4][:, 5]}
    if y is None:
        values = inner[-1].amax(1)
    elif callable(y):
        values = y(inner[-1])
    elif len(y) == 4:
        values = inner[1][:, 2, 1, 1]
    else:
        values = score[int(y[0])]()
    values = values.mean((1, 2)) if values.ndim == 3 else values
    (wanted,) = torch.autograd.grad(values.sum(), h)
    np.testing.assert_allclose(Vanilla(model, y, at="3").GetMasks(X), wanted, rtol=1e-5, atol=1e-7)


def test_logits_are_found_behind_it():
    with_softmax = Vanilla(chain(end=nn.Softmax(1)), 2, at="3").GetMasks(X)
    np.testing.assert_allclose(with_softmax, Vanilla(chain(), 2, at="3").GetMasks(X), rtol=1e-5, atol=1e-7)


def test_several_targets_of_an_input_and_any_batch_size():
    model = chain()
    one_by_one = np.stack([Vanilla(model, y).GetMask(x, at="6") for x in X[:2] for y in range(4)])
    together = Vanilla(model).GetMasks([x for x in X[:2] for _ in range(4)], [*range(4)] * 2, at="6")
    np.testing.assert_allclose(together, one_by_one, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        Vanilla(model, 1, batch_size=2).GetMasks(X, at="3"), Vanilla(model, 1).GetMasks(X, at="3"), rtol=1e-5, atol=1e-7
    )


def test_smoothed_masks_have_its_shape():
    model = chain()
    options = {"nsamples": 6, "seed": 1, "magnitude": False, "at": "3"}
    got = GuidedBackprop(model, 1).GetSmoothedMask(X[0], stdev_spread=0.2, **options)
    assert got.shape == (4, 7, 5)
    still = GuidedBackprop(model, 1).GetSmoothedMask(X[0], stdev_spread=0.0, **options)
    np.testing.assert_allclose(still, GuidedBackprop(model, 1).GetMask(X[0], at="3"), rtol=1e-5, atol=1e-7)
    assert not np.allclose(got, still)


def test_no_graph_is_recorded_in_front_of_it():
    model, seen = chain(), []
    model[2].register_forward_hook(lambda module, inputs, output: seen.append(output.requires_grad))
    model[3].register_forward_hook(lambda module, inputs, output: seen.append(output.requires_grad))
    Vanilla(model, 1, at="3").GetMask(X[0])
    assert seen == [False, True]


def test_a_layer_that_is_called_twice_counts_by_its_last_call():
    model = net()
    h = model.stem(torch.tensor(X))
    h = torch.relu(model.twice(h)).detach().requires_grad_()
    out = model.fc(torch.relu(model.body(model.twice(h))).mean((2, 3)))
    (wanted,) = torch.autograd.grad(out[:, 2].sum(), h)
    np.testing.assert_allclose(Vanilla(model, 2, at="twice").GetMasks(X), wanted, rtol=1e-5, atol=1e-7)


class Branches(nn.Module):
    """What the layer takes is used beside it as well, and the layer may overwrite it."""

    def __init__(self, relu, thrown_away=False):
        super().__init__()
        torch.manual_seed(1)
        self.conv, self.relu, self.fc, self.thrown_away = nn.Conv2d(3, 2, 3), relu, nn.Linear(2 * 14 * 10, 3), thrown_away

    def forward(self, x):
        h = self.conv(x)
        r = self.relu(h)
        return self.fc((h if self.thrown_away else h + r).flatten(1))


def test_the_way_around_a_layer_does_not_count():
    model = Branches(nn.ReLU())
    h, w = model.conv(torch.tensor(X)).detach(), model.fc.weight[1].detach().reshape(2, 14, 10)
    np.testing.assert_allclose(Vanilla(model, 1, at="relu").GetMasks(X), w * (h > 0), rtol=1e-6)


@pytest.mark.parametrize("thrown_away", [False, True])
def test_what_a_layer_does_in_place_is_seen_by_all(thrown_away):
    """Some networks call `self.relu(x)`, throw the result away and go on with x."""
    model = Branches(nn.ReLU(inplace=True), thrown_away)
    h, w = model.conv(torch.tensor(X)).detach(), model.fc.weight[1].detach().reshape(2, 14, 10)
    times, adapter = 1 if thrown_away else 2, saliency.wrap(model)
    np.testing.assert_allclose(Vanilla(adapter, 1, at="relu").GetMasks(X), times * w * (h > 0), rtol=1e-5)
    np.testing.assert_allclose(
        GuidedBackprop(adapter, 1, at="relu").GetMasks(X), (times * w).clamp(min=0) * (h > 0), rtol=1e-5
    )
    np.testing.assert_allclose(
        Vanilla(adapter, 1, at="relu").adapter.gradients(torch.tensor(X), Request(target(1), at="relu"))[0],
        model(torch.tensor(X))[:, 1].detach(),
        rtol=1e-5,
    )


def target(y):
    return saliency.core.target.Target.of([y] * len(X))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.fc = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(self.attention(query=x, key=x, value=x)[0].sum(1))


def test_a_tensor_that_is_given_three_times_by_name_counts_three_times():
    torch.manual_seed(0)
    model, x = Attention(), np.random.default_rng(0).normal(size=(2, 5, 4))
    wanted = Vanilla(model, 1).GetMasks(x)
    np.testing.assert_allclose(Vanilla(model, 1, at="attention").GetMasks(x), wanted, rtol=1e-4, atol=1e-7)


def test_half_precision_comes_as_float32():
    model = chain(inplace=False).bfloat16()
    got = Vanilla(model, 1, at="6").GetMask(X[0])
    assert got.dtype == np.float32 and got.any()


def test_a_model_without_gradients_outside_of_the_layer_is_served():
    class Frozen(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = chain()

        def forward(self, x):
            with torch.no_grad():
                h = self.model[:4](x)
            return self.model[4:](h)

    np.testing.assert_allclose(
        Vanilla(Frozen(), 1, at="model.6").GetMask(X[0]), Vanilla(chain(), 1, at="6").GetMask(X[0]), rtol=1e-5
    )


class Odd(nn.Module):
    """Layers whose inputs are none that a score can be differentiated by."""

    def __init__(self):
        super().__init__()
        self.embedding, self.pair, self.merged, self.unused = nn.Embedding(9, 4), Pair(), nn.Linear(4, 2), nn.Linear(2, 2)

    def forward(self, x):
        h = self.embedding((x > 0).long()).sum(1)  # (N, 4)
        h = self.pair([h, h])
        return self.merged(h[None].expand(3, *h.shape)).sum(0) + self.merged.weight.sum() * 0


class Pair(nn.Module):
    def forward(self, pair):
        return pair[0] + pair[1]


@pytest.mark.parametrize(
    ("at", "match"),
    [
        ("embedding", r"layer 'embedding' receives a tensor of torch.int64; `at` needs a layer whose input is a floating-point tensor"),
        ("pair", r"layer 'pair' receives a list; `at` needs"),
        ("unused", r"layer 'unused' was not called in the forward pass"),
        ("merged", r"layer 'merged' receives shape \(3, 2, 4\) for 2 input\(s\); `at` needs \(2, ...\)"),
        ("merge", r"`at` \(='merge'\) must be one of the model's 4 layers; nearest: merged"),
        (nn.ReLU(), r"`at` \(ReLU\) must be a part of the model"),
        (3, r"`at` \(=3\) must be one of"),
        (["merged"], r"`at` \(=\['merged'\]\) must be one of"),
    ],
)
def test_errors(at, match):
    model = Odd()
    before = state_of(model)
    with pytest.raises(TargetError, match=match):
        Vanilla(model, 1).GetMasks(np.ones((2, 5)), at=at)
    assert state_of(model) == before


@pytest.mark.parametrize(
    ("y", "at", "error", "match"),
    [
        (("1", 0), "6", GradientError, "the score does not depend on the input of layer '6': no path"),
        (lambda out: out[:, 0].detach(), "6", GradientError, "the score does not depend on the input of layer '6'"),
        (1, "8", NoReLUError, "no ReLU between the input of layer '8' and the score"),
        (9, "8", TargetError, "9"),
    ],
)
def test_scores_that_do_not_depend_on_it(y, at, error, match):
    model = chain()
    before = state_of(model)
    with pytest.raises(error, match=match):
        GuidedBackprop(model, y).GetMask(X[0], at=at)
    assert state_of(model) == before


def test_an_interrupt_leaves_no_hook():
    model = chain()
    before = state_of(model)

    def stop(out):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Vanilla(model, stop).GetMask(X[0], at="6")
    assert state_of(model) == before


def test_other_methods_have_no_such_option():
    with pytest.raises(InputError, match="`at` is not an option of IntegratedGradients"):
        saliency.IntegratedGradients(chain(), 1, at="6")

"""Batches that fit into memory, targets that share an input, gradient modifiers, progress bars and details."""

import pickle

import numpy as np
import pytest

import saliency
from saliency import IntegratedGradients, MaskArray, Occlusion, Vanilla
from saliency.core.errors import MemoryShortage
from tests.reference import JacobianAdapter, MinimalArray, linear, quadratic

RNG = np.random.default_rng(0)
W = RNG.normal(size=(4, 3, 5, 6))
X = RNG.normal(size=(7, 3, 5, 6))


def limit_memory(adapter, most):
    """Return the adapter with memory for at most ``most`` samples at a time."""
    differentiate, outputs = adapter.gradients, adapter.outputs
    adapter.refused = []

    def check(n):
        if n > most:
            adapter.refused.append(n)
            raise MemoryShortage(f"{n} inputs do not fit")

    def gradients(x, request):
        check(max(x.shape[0], len(request.target.units)))
        return differentiate(x, request)

    def forward(x, request):
        check(x.shape[0])
        return outputs(x, request)

    adapter.gradients, adapter.outputs = gradients, forward
    return adapter


@pytest.mark.parametrize("most", [1, 2, 3, 6])
@pytest.mark.parametrize(
    ("method", "options"),
    [
        (Vanilla, {}),
        (IntegratedGradients, {"x_steps": 9}),
        (IntegratedGradients, {"x_steps": 9, "details": True}),
        (Occlusion, {"size": 3, "stride": 2}),
    ],
)
def test_batches_that_do_not_fit_are_halved_without_changing_sums(method, options, most):
    expected = method(quadratic([1, 2]), **options).GetMasks(X, y=[0, 1] * 3 + [1])
    adapter = limit_memory(quadratic([1, 2]), most)
    masks = method(adapter, **options).GetMasks(X, y=[0, 1] * 3 + [1])
    np.testing.assert_allclose(masks, expected, rtol=1e-12)
    for name, value in expected.details.items():
        np.testing.assert_allclose(masks.details[name], value, atol=1e-12)
    assert adapter.refused and len(adapter.refused) < 8  # the smaller size is remembered


def test_a_smoothed_mask_in_little_memory():
    expected = Vanilla(quadratic([1]), 0).GetSmoothedMask(X[0], seed=0)
    adapter = limit_memory(quadratic([1]), 3)
    np.testing.assert_allclose(Vanilla(adapter, 0).GetSmoothedMask(X[0], seed=0), expected, rtol=1e-12)
    assert sum(adapter.passes) == 25 and len(adapter.refused) < 5


def test_one_sample_that_does_not_fit_raises():
    with pytest.raises(saliency.MemoryShortage, match="1 inputs do not fit"):
        Vanilla(limit_memory(quadratic([1]), 0), 0).GetMasks(X)


def test_several_targets_of_one_input_share_its_passes():
    for x_values in ([X[0]] * 4, np.broadcast_to(X[0], (4, *X[0].shape))):
        adapter = quadratic([1, 2, 3, 4])
        masks = Vanilla(adapter).GetMasks(x_values, y=range(4))
        np.testing.assert_allclose(masks, [scale * X[0] for scale in (1, 2, 3, 4)])
        assert adapter.passes == [1]


def test_many_targets_of_one_input_share_a_pass_if_they_need_little_memory():
    def masks_and_passes(most, **settings):
        adapter = limit_memory(quadratic([1, 2, 3, 4]), most)
        adapter.shares_targets = True
        masks = Vanilla(adapter, **settings).GetMasks([X[0]] * 100, y=[0, 1, 2, 3] * 25)
        np.testing.assert_allclose(masks, [scale * X[0] for scale in (1, 2, 3, 4)] * 25)
        return adapter.passes

    assert masks_and_passes(1000) == [1]  # a batch of inputs has at most 32
    assert masks_and_passes(1000, batch_size=20) == [1] * 5
    assert sum(masks_and_passes(3)) == 100  # each target has a pass of its own


def test_several_targets_of_several_inputs():
    adapter = quadratic([1, 2, 3, 4])
    x_values = [X[0]] * 4 + [X[1]] * 4 + [X[2]] * 4
    scales = np.tile([1, 2, 3, 4], 3)[:, None, None, None]
    expected = np.repeat(X[:3], 4, axis=0) * scales
    np.testing.assert_allclose(Vanilla(adapter, batch_size=8).GetMasks(x_values, y=[0, 1, 2, 3] * 3), expected)
    assert adapter.passes == [2, 1]
    adapter = quadratic([1, 2, 3, 4])
    np.testing.assert_allclose(Vanilla(adapter, batch_size=3).GetMasks(x_values, y=[0, 1, 2, 3] * 3), expected)
    assert adapter.passes == [1] * 6


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 100])
def test_shared_inputs_give_what_each_target_gives_alone(size):
    x_values, ys = [X[0]] * 5 + [X[1]] * 5, [0, 1, [1, 2], None, 3] * 2
    masks = [
        (IntegratedGradients, "GetMasks", {"x_steps": 6, "x_baseline": "mean", "details": True}),
        (IntegratedGradients, "GetMasks", {"x_steps": 4, "tolerance": 0.05}),
        (Vanilla, "GetSmoothedMasks", {"seed": 0, "nsamples": 3}),
        (Vanilla, "GetSmoothedMasks", {"seed": 0, "nsamples": 4, "tolerance": 0.5}),
        (Occlusion, "GetMasks", {"size": 3, "stride": 2}),
    ]
    for method, name, options in masks:
        together = getattr(method(quadratic([1, 2, 3, 4]), batch_size=size), name)(x_values, y=ys, **options)
        apart = getattr(method(quadratic([1, 2, 3, 4])), name)([x.copy() for x in x_values], y=ys, **options)
        np.testing.assert_allclose(together, apart, rtol=1e-10)
        for key, value in apart.details.items():
            np.testing.assert_allclose(together.details[key], value, rtol=1e-9, atol=1e-9)


def test_inputs_with_different_numbers_of_targets():
    adapter = quadratic([1, 2, 3, 4])
    x_values = [X[0], X[1], X[1], X[2], X[2], X[3], X[3], X[3], X[4], X[5]]
    ys = [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    expected = [x * (y + 1) for x, y in zip(x_values, ys, strict=True)]
    np.testing.assert_allclose(Vanilla(adapter, batch_size=4).GetMasks(x_values, ys), expected)
    assert adapter.passes == [1, 2, 1, 2]
    adapter = quadratic([1, 2, 3, 4])
    np.testing.assert_allclose(Vanilla(adapter, batch_size=2).GetMasks(x_values, ys), expected)
    assert adapter.passes == [1, 1, 1, 1, 2, 1]


def test_shared_inputs_in_little_memory():
    adapter = limit_memory(quadratic([1, 2, 3, 4]), 2)
    masks = Vanilla(adapter).GetMasks([X[0]] * 4, y=range(4))
    np.testing.assert_allclose(masks, [scale * X[0] for scale in (1, 2, 3, 4)])
    assert adapter.refused == [4] and adapter.passes == [2, 2]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Vanilla(linear(W), modifier="negate"), r"`modifier` \(='negate'\) must be one of increase, decrease"),
        (lambda: Vanilla(linear(W), modifier=3), r"`modifier` \(=3\)"),
        (
            lambda: Occlusion(linear(W), modifier="absolute"),
            r"`modifier` \(='absolute'\) modifies gradients, but Occlusion does not use gradients",
        ),
        (
            lambda: Vanilla(linear(W), 0, modifier=lambda g: g.array.sum()).GetMask(X[0]),
            r"`modifier` returned a float64 of shape \(\); ",
        ),
        (lambda: Vanilla(linear(W), 0, modifier=lambda g: g[:, :1]).GetMask(X[0]), r"shape \(1, 1, 5, 6\); .* \(1, 3, 5, 6\)"),
        (lambda: Vanilla(linear(W), batch_size="big"), r"`batch_size` \(='big'\) must be \"auto\" or a whole number"),
        (lambda: Vanilla(linear(W), batch_size=None), r"`batch_size` \(=None\)"),
        (
            lambda: Vanilla(linear(W)).GetMask(X[0], modifier="absolute"),
            r"`modifier` is not an option .* pass it to the constructor",
        ),
    ],
)
def test_invalid_constructor_options_raise(make, message):
    with pytest.raises(saliency.InputError, match=message):
        make()


def test_a_mask_is_an_array_with_details():
    mask = IntegratedGradients(quadratic([1]), 0).GetMask(X[0], details=True)
    assert isinstance(mask, np.ndarray) and isinstance(mask, MaskArray)
    assert type(np.asarray(mask)) is type(mask + 1) is type(np.abs(mask)) is np.ndarray
    assert isinstance(mask.sum(), np.floating) and isinstance(mask.max(), np.floating)
    assert mask[0].details == {} and mask.copy().details == {}
    again = pickle.loads(pickle.dumps(mask))  # noqa: S301
    np.testing.assert_array_equal(again, mask)
    assert again.details.keys() == mask.details.keys() == {"score", "gap", "change", "points"}
    assert np.ndim(mask.details["gap"]) == 0


def test_outputs_that_share_an_input_come_from_one_evaluation():
    adapter = quadratic([1, 2, 3])
    calls = []
    adapter.f = lambda x, f=adapter.f: (calls.append(len(x)), f(x))[1]
    Occlusion(adapter, size=5).GetMasks([X[0]] * 3, y=[0, 1, 2])
    assert calls == [1, 2]  # the input, and its two windows


def test_feeds_are_split_with_their_inputs():
    adapter = JacobianAdapter(None, None)
    seen = []

    def gradients(x, request):
        x, scale = x.array, request.feed["scale"].array
        seen.append((len(x), scale.tolist(), request.feed["flag"]))
        return MinimalArray(np.zeros(len(x))), MinimalArray(x * scale.reshape(-1, 1, 1, 1))

    def outputs(x, request):
        return MinimalArray(((x.array**2).reshape(len(x.array), -1).sum(1) * request.feed["scale"].array / 2)[:, None])

    adapter.gradients = gradients
    scale = np.arange(1.0, 8)
    masks = IntegratedGradients(adapter, 0, batch_size=4, x_steps=3).GetMasks(X, feed_dict={"scale": scale, "flag": True})
    np.testing.assert_allclose(masks, X**2 * scale[:, None, None, None] / 2)
    assert all(n == len(part) and flag for n, part, flag in seen)
    tolerant = IntegratedGradients(adapter, 0, batch_size=4, x_steps=3)
    adapter.outputs = outputs
    np.testing.assert_allclose(tolerant.GetMasks(X, feed_dict={"scale": scale, "flag": True}, tolerance=0.1), masks)

"""Compare class activation maps with values computed by hand, on an adapter with a minimal array namespace."""

import numpy as np
import pytest

import saliency
from saliency import GradCAM, GradCAMPlusPlus, GuidedGradCAM, HiResCAM, LayerCAM, ScoreCAM, XGradCAM
from saliency.core.progress import Progress
from tests.core.methods.layered_function import G, LayeredAdapter, X, on_layer

BY_GRADIENT = [GradCAM, GradCAMPlusPlus, LayerCAM, HiResCAM, XGradCAM]


LINEAR = np.array(
    [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]
)  # 2 positions to 4: between their centers, and constant outside

BY_HAND = {
    GradCAM: ([[1, 0], [3, 0]], [[0, 3 / 4], [0, 3 / 4]]),
    HiResCAM: ([[1, 0], [6, 0]], [[0, 2], [0, 0]]),
    LayerCAM: ([[1, 0], [6, 8]], [[0, 2], [0, 0]]),
    XGradCAM: ([[1.3, 0], [3.9, 1.2]], [[0, 1], [0, 1]]),  # 13 / 10 A1 - 8 / 4 A2; 2 / 4 A2
    GradCAMPlusPlus: (
        [[35 / 132, 70 / 132], [105 / 132, 140 / 132]],
        [[0, 7 / 12], [0, 7 / 12]],
    ),  # 1/12 + 2/22 + 2/22; 1/6 + 1/8
}


@pytest.mark.parametrize("method", BY_HAND)
def test_each_formula_by_hand(method):
    for y, raw in enumerate(BY_HAND[method]):
        np.testing.assert_allclose(method(on_layer(G), y).GetMask(X, should_resize=False), raw, rtol=1e-6)


@pytest.mark.parametrize("method", BY_HAND)
def test_a_map_is_scaled_to_1_and_resized(method):
    raw = np.array(BY_HAND[method][0])
    expected = LINEAR @ (raw / raw.max()) @ LINEAR.T
    np.testing.assert_allclose(method(on_layer(G), 0).GetMask(X), expected, rtol=1e-6)
    three = method(on_layer(G), 0).GetMask(X, three_dims=True)
    assert three.shape == X.shape
    np.testing.assert_allclose(three, [expected] * 2, rtol=1e-6)


def test_a_map_is_scaled_before_it_is_resized():
    peak = np.array([[[0, 1, 0]]])  # a maximum between two positions of the input
    adapter = LayeredAdapter(
        lambda x: x.sum((1, 2))[:, None], None, lambda x: 5.0 * np.repeat(peak, len(x), axis=0), [[[1, 1, 1]]]
    )
    np.testing.assert_array_equal(GradCAM(adapter, 0).GetMask(np.ones((1, 4)), should_resize=False), [0, 5, 0])
    np.testing.assert_array_equal(GradCAM(adapter, 0).GetMask(np.ones((1, 4))), [0, 0.625, 0.625, 0])


@pytest.mark.parametrize("method", BY_GRADIENT)
def test_an_empty_map_is_zero_and_warns(method):
    for options in ({}, {"should_resize": False}, {"three_dims": True}):
        with pytest.warns(
            saliency.ZeroGradientWarning, match=r"input \[0\] is zero everywhere: the weighted sum of the layer's channels"
        ):
            mask = method(on_layer(G), 2).GetMask(X, **options)
        assert not mask.any()


def test_a_list_of_classes_is_their_sum():
    mask = GradCAM(on_layer(G), [0, 1]).GetMask(X, should_resize=False)  # mean gradients 1 and -13/8
    np.testing.assert_allclose(mask, [[1, 0], [3, 3 / 4]])


@pytest.mark.parametrize("method", [*BY_GRADIENT, GuidedGradCAM, ScoreCAM])
def test_an_input_with_its_channels_last_has_the_same_maps(method):
    first, last = on_layer(G), on_layer(G, channel_axis=-1)
    turned = np.moveaxis(X, 0, -1)
    expected = method(first, 0).GetMask(X)
    if method is GuidedGradCAM:
        np.testing.assert_allclose(method(last, 0).GetMask(turned), np.moveaxis(expected, 0, -1))
        return
    np.testing.assert_allclose(method(last, 0).GetMask(turned), expected)
    three = method(last, 0).GetMask(turned, three_dims=True)
    assert three.shape == turned.shape
    np.testing.assert_allclose(three, np.stack([expected] * 2, axis=-1))


@pytest.mark.parametrize(
    ("shape", "channel_axis"), [((4, 6), None), ((6,), 0), ((3, 6), 0), ((2, 4, 6, 8), 0), ((4, 6, 8, 2), -1)]
)
def test_inputs_with_any_number_of_axes(shape, channel_axis):
    rng = np.random.default_rng(1)
    alone = channel_axis is None or len(shape) == 1
    space = shape if alone else shape[1:] if channel_axis == 0 else shape[:-1]
    half = tuple(size // 2 for size in space)
    layer = 1 + rng.random((1, 5, *half))  # 5 channels, whatever the input
    adapter = LayeredAdapter(
        lambda x: x.reshape(len(x), -1).sum(1)[:, None],
        lambda x: np.ones((len(x), 1, *x.shape[1:])),
        lambda x: np.repeat(layer, len(x), axis=0),
        np.ones((1, 5, *half)),
        channel_axis,
    )
    x = rng.random(shape)
    total = layer[0].sum(0)
    np.testing.assert_allclose(GradCAM(adapter, 0).GetMask(x, should_resize=False), total)
    mask = GradCAM(adapter, 0).GetMask(x)
    assert mask.shape == space
    corner = (0,) * len(space)
    np.testing.assert_allclose(mask[corner], total[corner] / total.max())
    assert GradCAM(adapter, 0).GetMask(x, three_dims=True).shape == shape
    assert GuidedGradCAM(adapter, 0).GetMask(x).shape == shape
    assert ScoreCAM(adapter, 0).GetMask(x).shape == space


def test_guided_grad_cam_is_the_guided_gradient_times_the_map():
    adapter = on_layer(G)
    mask = GuidedGradCAM(adapter, 0, layer="the layer").GetMask(X)
    expected = np.zeros((2, 4, 4))
    expected[:, ::2, ::2] = G[0] * [[1, 0.25], [2.5, 0.625]]  # [[1, 0], [3, 0]] resized, at the positions that have a gradient
    np.testing.assert_allclose(mask, expected)
    assert adapter.layers == ["the layer"]


@pytest.mark.parametrize("method", [*BY_GRADIENT, GuidedGradCAM])
@pytest.mark.parametrize("size", [1, 2, 7])
def test_many_inputs_at_once_equal_one_at_a_time(method, size):
    rng = np.random.default_rng(1)
    slopes, x = 0.5 + rng.normal(size=(3, 2, 3, 4)), 1 + rng.random((7, 2, 6, 8))
    ys = [0, 2, 1, [0, 1], 0, None, 2]
    adapter = on_layer(slopes)
    together = method(adapter, batch_size=size).GetMasks(x, ys)
    assert max(map(len, adapter.layer_inputs)) <= size and sum(map(len, adapter.layer_inputs)) == 7
    for one, y, mask in zip(x, ys, together, strict=True):
        np.testing.assert_allclose(mask, method(on_layer(slopes), y).GetMask(one), rtol=1e-10)


@pytest.mark.parametrize("method", [*BY_GRADIENT, GuidedGradCAM, ScoreCAM])
def test_several_targets_of_one_input_share_its_forward_passes(method):
    rng = np.random.default_rng(1)
    slopes, x = 0.5 + rng.normal(size=(3, 2, 3, 4)), 1 + rng.random((2, 6, 8))
    adapter = on_layer(slopes)
    passes, f = [], adapter.f
    adapter.f = lambda x: passes.append(len(x)) or f(x)
    together = method(adapter).GetMasks([x] * 3, [0, 1, 2])
    forwards = {GuidedGradCAM: 2, ScoreCAM: 1 + 2}.get(
        method, 1
    )  # one for the layer; one for the gradient, or for each channel
    assert sum(passes) == forwards
    alone = [method(on_layer(slopes), y).GetMask(x) for y in range(3)]
    assert len({mask.tobytes() for mask in alone}) == 3
    np.testing.assert_allclose(together, alone, rtol=1e-10)


@pytest.mark.parametrize("options", [{"should_resize": False}, {}, {"three_dims": True}])
@pytest.mark.parametrize("average", ["mean", "squared", "variance"])
def test_a_smoothed_map_whatever_its_shape(options, average):
    rng = np.random.default_rng(1)
    adapter = on_layer(rng.random((1, 2, 2, 3)))
    x = 1 + rng.random((2, 4, 6))
    smooth = GradCAM(adapter, 0, batch_size=4, **options).GetSmoothedMask(
        x, nsamples=10, average=average, seed=3, standard_error=True
    )
    noisy = np.concatenate(adapter.layer_inputs)
    assert noisy.shape == (10, 2, 4, 6)
    masks = np.stack([np.asarray(GradCAM(adapter, 0, **options).GetMask(one)) for one in noisy])
    values = masks**2 if average == "squared" else masks
    assert smooth.shape == masks.shape[1:] == smooth.details["standard_error"].shape
    np.testing.assert_allclose(smooth, masks.var(0) if average == "variance" else values.mean(0), rtol=1e-9)
    if average != "variance":
        np.testing.assert_allclose(smooth.details["standard_error"], values.std(0, ddof=1) / 10**0.5, rtol=1e-9)
    assert smooth.std() > 0


@pytest.mark.parametrize(("method", "evaluations"), [(GradCAM, 2), (GuidedGradCAM, 2), (ScoreCAM, 2 + 2 * 2)])
def test_progress_counts_evaluations_and_expects_as_many(method, evaluations, capsys, monkeypatch):
    expected = []
    announce = Progress.announce
    monkeypatch.setattr(Progress, "announce", lambda self, count: expected.append(count) or announce(self, count))
    method(on_layer(G)).GetMasks([X, X + 1], [0, 1], progress=True)
    assert f"{evaluations}/{evaluations}" in capsys.readouterr().err.split("\r")[-1]
    assert sum(expected) == evaluations or not expected  # a mask is one evaluation, unless a method says more

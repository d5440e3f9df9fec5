"""Compare class activation maps with values computed by hand, on an adapter with a minimal array namespace."""

import inspect
import pydoc
import re
import subprocess
import sys

import numpy as np
import pytest

import saliency
from saliency import GradCAM, GradCAMPlusPlus, GuidedGradCAM, HiResCAM, LayerCAM, ScoreCAM, XGradCAM
from saliency.core.method_options import option_names
from saliency.core.methods.class_activation_map import ClassActivationMap
from saliency.core.progress import Progress
from tests.reference import JacobianAdapter, MinimalArray

BY_GRADIENT = [GradCAM, GradCAMPlusPlus, LayerCAM, HiResCAM, XGradCAM]


class Layered(JacobianAdapter):
    """A function with one layer, whose output is `layer(x)`, (N, channels, *space), and d f / d layer is `slopes`."""

    def __init__(self, f, df, layer, slopes, channel_axis=0):
        super().__init__(f, df)
        self.layer, self.slopes, self.channel_axis = layer, np.asarray(slopes, float), channel_axis
        self.looked_at, self.layers = [], []  # the inputs of each pass through the layer, and the requested layer

    def features(self, x, request):
        x, target = x.array, request.target
        self.looked_at.append(x)
        self.layers.append(request.layer)
        scores = target.scores(MinimalArray(self.f(x)), len(x), self)
        weights = target.weights.reshape(*target.weights.shape, *[1] * (self.slopes.ndim - 1))
        return scores, MinimalArray(self.layer(x)), MinimalArray((self.slopes[target.units[..., 0]] * weights).sum(1))


def on_layer(slopes, channel_axis=0):
    """f(x) = sum(slopes * layer) for each class; the layer returns every other row and column of x (N, C, H, W)."""
    slopes = np.asarray(slopes, float)

    def layer(x):
        return (x if channel_axis == 0 else np.moveaxis(x, -1, 1))[:, :, ::2, ::2]

    def df(x):
        full = np.zeros((len(x), len(slopes), *(x.shape[1:] if channel_axis == 0 else np.moveaxis(x, -1, 1).shape[1:])))
        full[..., ::2, ::2] = slopes
        return full if channel_axis == 0 else np.moveaxis(full, 2, -1)

    return Layered(lambda x: np.einsum("nkij,ckij->nc", layer(x), slopes), df, layer, slopes, channel_axis)


A = np.array([[[1, 2], [3, 4]], [[0, 2], [0, 2]]], float)
G = np.array(
    [
        [[[1, -1], [2, 2]], [[-4, 0], [0, -4]]],  # means: 1 and -2
        [[[0, 0], [0, 0]], [[0, 1], [0.5, 0]]],  # means: 0 and 3/8
        [[[-1, 0], [0, -1]], [[-1, 0], [0, 0]]],  # no positive evidence for class 2
    ]
)
X = A.repeat(2, axis=1).repeat(2, axis=2)  # (2, 4, 4); the layer returns A
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
    adapter = Layered(lambda x: x.sum((1, 2))[:, None], None, lambda x: 5.0 * np.repeat(peak, len(x), axis=0), [[[1, 1, 1]]])
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
    adapter = Layered(
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


def test_score_cam_weighs_channels_by_what_they_show():
    layer = np.array([[0, 3, 0], [0.1, 0.1, 0.1], [4, 0, 0]])  # the second is level: it shows nothing
    x = np.array([[1, 2, 3, 4]], float)
    # resized and scaled to 0..1: [0, 1, 1, 0], [0, 0, 0, 0] and [1, 3/8, 0, 0]
    for slope in (1, 300, -300):  # large scores as well
        adapter = Layered(
            lambda x, s=slope: s * x.sum((1, 2))[:, None], None, lambda x: np.stack([layer] * len(x)), [np.ones((3, 3))]
        )
        scores = slope * np.array([5, 0, 1.75])
        weights = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        np.testing.assert_allclose(ScoreCAM(adapter, 0).GetMask(x, should_resize=False), weights @ layer, rtol=1e-12)


def test_a_level_channel_shows_nothing_however_it_is_rounded():
    class Single(Layered):
        def asarray(self, value, name="x_value"):
            return MinimalArray(super().asarray(value, name).array.astype(np.float32))

    layer = np.array([[0, 3, 0], [0.7, 0.7, 0.7]], np.float32)
    adapter = Single(lambda x: x.sum((1, 2))[:, None], None, lambda x: np.stack([layer] * len(x)), [np.ones((2, 3))])
    mask = ScoreCAM(adapter, 0).GetMask(np.ones((1, 7)), should_resize=False)
    weight = 1 / (1 + np.exp(-17 / 7))  # masked with [0, 1/7, 4/7, 1, 4/7, 1/7, 0], and with zeros
    np.testing.assert_allclose(mask, np.array([weight, 1 - weight]) @ layer, rtol=1e-6)


def test_score_cam_does_not_depend_on_the_batch_size():
    rng = np.random.default_rng(1)
    slopes = rng.normal(size=(3, 5, 3, 4))
    x = 1 + rng.random((4, 5, 6, 8))
    expected = [ScoreCAM(on_layer(slopes), y, batch_size=64).GetMask(one) for one, y in zip(x, [0, 1, 2, 1], strict=True)]
    for size in (1, 3, 8, 100):
        np.testing.assert_allclose(ScoreCAM(on_layer(slopes), batch_size=size).GetMasks(x, [0, 1, 2, 1]), expected, rtol=1e-10)


@pytest.mark.parametrize("method", [*BY_GRADIENT, GuidedGradCAM])
@pytest.mark.parametrize("size", [1, 2, 7])
def test_many_inputs_at_once_equal_one_at_a_time(method, size):
    rng = np.random.default_rng(1)
    slopes, x = 0.5 + rng.normal(size=(3, 2, 3, 4)), 1 + rng.random((7, 2, 6, 8))
    ys = [0, 2, 1, [0, 1], 0, None, 2]
    adapter = on_layer(slopes)
    together = method(adapter, batch_size=size).GetMasks(x, ys)
    assert max(map(len, adapter.looked_at)) <= size and sum(map(len, adapter.looked_at)) == 7
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
    noisy = np.concatenate(adapter.looked_at)
    assert noisy.shape == (10, 2, 4, 6)
    masks = np.stack([np.asarray(GradCAM(adapter, 0, **options).GetMask(one)) for one in noisy])
    values = masks**2 if average == "squared" else masks
    assert smooth.shape == masks.shape[1:] == smooth.details["standard_error"].shape
    np.testing.assert_allclose(smooth, masks.var(0) if average == "variance" else values.mean(0), rtol=1e-9)
    if average != "variance":
        np.testing.assert_allclose(smooth.details["standard_error"], values.std(0, ddof=1) / 10**0.5, rtol=1e-9)
    assert smooth.std() > 0


def test_a_smoothed_score_cam_is_the_mean_of_its_maps():
    rng = np.random.default_rng(1)
    adapter = on_layer(rng.random((1, 2, 2, 3)))
    x = 1 + rng.random((2, 4, 6))
    smooth = ScoreCAM(adapter, 0).GetSmoothedMask(x, nsamples=4, average="mean", seed=3)
    masks = [np.asarray(ScoreCAM(adapter, 0).GetMask(one)) for one in np.concatenate(adapter.looked_at)]
    np.testing.assert_allclose(smooth, np.mean(masks, axis=0), rtol=1e-9)


def test_a_modified_gradient():
    against = GradCAM(on_layer(G), 0, modifier="decrease").GetMask(X, should_resize=False)
    np.testing.assert_allclose(against, [[0, 2], [0, 0]])  # 2 A2 - A1
    strength = GradCAM(on_layer(G), 0, modifier="absolute").GetMask(X, should_resize=False)
    np.testing.assert_allclose(strength, [[1.5, 7], [4.5, 10]])  # 1.5 A1 + 2 A2
    with pytest.raises(
        saliency.InputError, match=r"`modifier` \(='decrease'\) modifies gradients, but ScoreCAM does not use gradients"
    ):
        ScoreCAM(on_layer(G), 0, modifier="decrease")


@pytest.mark.parametrize(("method", "evaluations"), [(GradCAM, 2), (GuidedGradCAM, 2), (ScoreCAM, 2 + 2 * 2)])
def test_progress_counts_evaluations_and_expects_as_many(method, evaluations, capsys, monkeypatch):
    expected = []
    announce = Progress.announce
    monkeypatch.setattr(Progress, "announce", lambda self, count: expected.append(count) or announce(self, count))
    method(on_layer(G)).GetMasks([X, X + 1], [0, 1], progress=True)
    assert f"{evaluations}/{evaluations}" in capsys.readouterr().err.split("\r")[-1]
    assert sum(expected) == evaluations or not expected  # a mask is one evaluation, unless a method says more


def test_options_are_the_method_s():
    with pytest.raises(saliency.InputError, match=r"`steps` is not an option of GradCAM. Options of GradCAM: layer"):
        GradCAM(on_layer(G), 0).GetMask(X, steps=3)
    with pytest.raises(saliency.InputError, match="`three_dims` is not an option of GuidedGradCAM"):
        GuidedGradCAM(on_layer(G), 0, three_dims=True)
    adapter = on_layer(G)
    GradCAM(adapter, 0, "constructor's").GetMask(X)
    GradCAM(adapter, 0, "constructor's").GetMask(X, layer="call's")
    GradCAM(adapter, 0).GetMask(X)
    assert adapter.layers == ["constructor's", "call's", None]


@pytest.mark.parametrize("kind", [*BY_GRADIENT, ScoreCAM])
def test_help_lists_each_option_once_and_describes_the_method(kind):
    head, _, rest = inspect.getdoc(kind).partition("\n\nOptions:\n")
    options, _, source = rest.partition("\n\nSource:\n")
    listed = re.findall(r"^    (\w[\w, ]*):", options, re.MULTILINE)
    assert ", ".join(listed).split(", ") == option_names(kind(on_layer(G), 0).masks)
    assert "arXiv" in source or "IEEE" in source
    assert head.startswith(
        ("Weight each channel", "Weight each position", "Weight each positive gradient", "Weight a layer's channels")
    )
    assert pydoc.plain(pydoc.render_doc(kind)).count("should_resize: scale the map") == 1
    assert "ClassActivationMap" not in inspect.getdoc(kind)


def test_a_user_defined_map_inherits_the_options_in_its_help():
    class Mean(ClassActivationMap):
        """The mean."""

        def weighted(self, inputs):
            return inputs.features

    class Told(Mean):
        """The mean.

        Options:
            layer: one.
        """

    class Silent(Mean):
        pass

    shared = inspect.getdoc(ClassActivationMap).partition("\n\n")[2]
    assert inspect.getdoc(Mean) == f"The mean.\n\n{shared}"
    assert inspect.getdoc(Told) == "The mean.\n\nOptions:\n    layer: one."
    assert Silent.__doc__ is None
    subprocess.run([sys.executable, "-OO", "-c", "import saliency"], check=True)


def test_a_function_has_no_layers():
    for method in (GradCAM, ScoreCAM):
        with pytest.raises(saliency.ModelError, match="does not provide a layer's output and its gradient"):
            method(lambda x: x.sum((2, 3)), 0).GetMask(X)

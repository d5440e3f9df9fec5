"""keras-vis's two bugs, fixed by default and kept with ``exact``."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("keras")

import keras

from saliency.compat.keras_vis import normalize, visualize_cam, visualize_saliency
from saliency.core.errors import ModelError, TargetError
from tests.compat.vis.keras_networks import X

L = keras.layers
RNG = np.random.default_rng(6)


def scaled_sum_network(weight):
    """A network whose score is a weight times the sum of the input, after an identity convolution."""
    model = keras.Sequential(
        [
            keras.Input((6, 5, 1)),
            L.Conv2D(1, 1, use_bias=False, name="same"),
            L.Flatten(name="flat"),
            L.Dense(1, use_bias=False),
        ]
    )
    model.set_weights([np.ones((1, 1, 1, 1)), np.full((30, 1), weight)])
    return model


@pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")
def test_negative_evidence_is_not_shown_as_positive():
    x = RNG.uniform(1, 2, size=(6, 5, 1)).astype(np.float32)
    fixed, exact_map = (visualize_cam(scaled_sum_network(-1.0), -1, 0, x, "same", exact=exact) for exact in (False, True))
    assert not fixed.any()
    np.testing.assert_allclose(exact_map, normalize(x[..., 0]), atol=1e-5)
    for exact in (False, True):  # for a positive gradient both agree
        np.testing.assert_allclose(
            visualize_cam(scaled_sum_network(1.0), -1, 0, x, "same", exact=exact), normalize(x[..., 0]), atol=1e-5
        )


def test_the_layer_directly_before_is_found(model):
    options = {"grad_modifier": "absolute"}
    fixed, exact_map = (visualize_cam(model, "c2", 3, X, **options, exact=exact) for exact in (False, True))
    np.testing.assert_array_equal(fixed, visualize_cam(model, "c2", 3, X, "p1", **options))
    np.testing.assert_array_equal(exact_map, visualize_cam(model, "c2", 3, X, "c1", **options, exact=True))
    assert np.abs(fixed - exact_map).max() > 0.05
    short = scaled_sum_network(1.0)
    x = RNG.uniform(1, 2, size=(6, 5, 1)).astype(np.float32)
    assert visualize_cam(short, 1, 0, x).any()
    with pytest.raises(TargetError, match=r"there is no convolution or pooling before 1"):
        visualize_cam(short, 1, 0, x, exact=True)


def test_wrapped_convolutions_are_found():
    model = keras.Sequential(
        [keras.Input((3, 8, 2)), L.TimeDistributed(L.Conv1D(2, 3), name="each"), L.ReLU(), L.Flatten(), L.Dense(2)]
    )
    x = RNG.normal(size=(3, 8, 2)).astype(np.float32)
    got = visualize_cam(model, -1, 0, x, grad_modifier="absolute")
    np.testing.assert_array_equal(got, visualize_cam(model, -1, 0, x, "each", grad_modifier="absolute"))


def regression():
    """A steering model: the right part of an image minus the left part; the middle has weight zero."""
    wheel = np.zeros((4, 6, 1), np.float32)
    wheel[:, :2], wheel[:, 4:] = -1 - np.arange(4)[:, None, None], 1 + np.arange(4)[:, None, None]
    model = keras.Sequential([keras.Input((4, 6, 1)), L.Flatten(), L.Dense(1, use_bias=False)])
    model.set_weights([wheel.reshape(-1, 1)])
    return model, wheel[..., 0]


def test_regression_increase_decrease_maintain():
    model, wheel = regression()
    x = np.ones((4, 6, 1))
    increase = visualize_saliency(model, -1, 0, x, grad_modifier=None)
    decrease = visualize_saliency(model, -1, 0, x, grad_modifier="negate")
    maintain = visualize_saliency(model, -1, 0, x, grad_modifier="small_values")
    np.testing.assert_allclose(increase, (wheel + 4) / 8, atol=1e-6)
    np.testing.assert_allclose(decrease, (4 - wheel) / 8, atol=1e-6)
    np.testing.assert_allclose(maintain, wheel == 0, atol=1e-6)
    raw = visualize_saliency(model, -1, 0, x, grad_modifier="small_values", normalize=False)
    np.testing.assert_allclose(raw, np.abs(1 / (wheel + np.float32(1e-7))), rtol=1e-6)


def test_a_network_without_relus_rejects_guided_unless_exact():
    model, _ = regression()
    x = np.ones((4, 6, 1))
    with pytest.raises(ModelError, match="no ReLU"):
        visualize_saliency(model, -1, 0, x, backprop_modifier="guided")
    got = visualize_saliency(model, -1, 0, x, backprop_modifier="guided", exact=True)
    np.testing.assert_array_equal(got, visualize_saliency(model, -1, 0, x))
    x = RNG.uniform(1, 2, size=(6, 5, 1))
    guided, plain = (visualize_cam(scaled_sum_network(1.0), -1, 0, x, backprop_modifier=one) for one in ("guided", None))
    np.testing.assert_array_equal(guided, plain)  # in any network, there may be no ReLU after a map's layer

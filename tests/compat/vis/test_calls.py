"""Raw maps, seed inputs, repeated calls, and the model's state."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("keras")

import keras
import tensorflow as tf

import saliency
from saliency.compat import keras_vis
from saliency.compat.keras_vis import normalize, visualize_cam, visualize_saliency
from saliency.core.errors import InputError
from saliency.core.numerics.cubic_spline import resize_by_splines
from tests.compat.vis.keras_networks import X, close, gold
from tests.tf.eager.keras_networks import snapshot

L = keras.layers


def test_raw_maps(model):
    gradient = np.asarray(saliency.Vanilla(model, 1).GetMask(X))
    got = visualize_saliency(model, -1, 1, X, grad_modifier=None, keepdims=True, normalize=False)
    np.testing.assert_array_equal(got, gradient)
    got = visualize_saliency(model, -1, 1, X, normalize=False)
    np.testing.assert_array_equal(got, np.abs(gradient).max(-1))
    np.testing.assert_allclose(normalize(got), gold("sal default cls1"), atol=1e-6)
    raw = saliency.GradCAM(model, 2, layer="c2", modifier="absolute").GetMask(X, should_resize=False)
    got = visualize_cam(model, -1, 2, X, "c2", grad_modifier="absolute", normalize=False)
    np.testing.assert_allclose(got, resize_by_splines(np.asarray(raw)[None], (12, 12))[0], atol=1e-7)
    assert got.any()


def test_the_model_s_state_is_preserved(model):
    model(X[None])
    before = snapshot(model)
    visualize_saliency(model, -1, 1, X, "c2", "guided")
    visualize_cam(model, -1, 1, X, grad_modifier="relu")
    assert snapshot(model) == before


def test_invalid_seed_inputs_raise(model):
    with pytest.raises(InputError, match=r"`seed_input` \(=None\) must be given"):
        visualize_saliency(model, -1, 1, None)
    with pytest.raises(InputError, match=r"shape \(12, 12\)\) must have 4 axes, or 3 without the batch axis"):
        visualize_saliency(model, -1, 1, X[..., 0])
    close(visualize_saliency(model, -1, 1, X.tolist()), "sal default cls1")
    close(visualize_saliency(model, -1, 1, tf.constant(X)), "sal default cls1")


CALLS = []


class Counted(L.Layer):
    def call(self, x):
        CALLS.append(x.shape)
        return x


def test_repeated_calls_are_traced_once():
    model = keras.Sequential([keras.Input((3,)), Counted(), L.Dense(4)])
    losses = [(keras_vis.ActivationMaximization(model.layers[-1], i), -1) for i in (0, 1)]
    calls = [
        lambda: visualize_saliency(model, -1, 1, np.ones(3)),
        lambda: keras_vis.visualize_saliency_with_losses(model, losses, np.ones(3)),
    ]
    for call in calls:
        call()
        before = len(CALLS)
        call()
        assert len(CALLS) == before

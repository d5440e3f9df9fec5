"""User-defined ReLU rules and callables from model to model, each compared with a closed form."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("keras")

import keras
import tensorflow as tf

from saliency.compat.keras_vis import visualize_cam, visualize_saliency
from saliency.core.errors import InputError
from tests.compat.vis.keras_networks import RAW, WEIGHTS, X, close, nested

SIGNED = {**RAW, "normalize": False}


def test_a_user_defined_relu_rule(model):
    def rectified(gradient, output):
        return tf.nn.relu(gradient)

    class Guided:
        def __call__(self, gradient, output, slope=1.0):
            return slope * tf.where((gradient > 0) & (output > 0), gradient, 0.0)

    close(visualize_saliency(model, -1, 1, X, backprop_modifier=rectified, **RAW), "sal bm=deconv")
    close(visualize_saliency(model, -1, 1, X, backprop_modifier=Guided(), **RAW), "sal bm=guided")
    close(visualize_cam(model, -1, 1, X, backprop_modifier=Guided()), "cam guided")


def test_the_identity_rule_makes_the_network_linear():
    x, y = keras.Input((3,)), keras.layers.Dense(4, activation="relu", name="a")
    model = keras.Model(x, keras.layers.Dense(2, name="b")(y(x)))
    a, _, b, _ = model.get_weights()
    got = visualize_saliency(model, -1, 1, np.ones(3), backprop_modifier=lambda gradient, output: gradient, **SIGNED)
    np.testing.assert_allclose(got, (a @ b)[:, 1], rtol=1e-5, atol=1e-7)


def _clone(model):
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def test_a_callable_from_model_to_model(model):
    calls = []

    def doubled(given, times=2):
        calls.append(given)
        copy = keras.models.clone_model(given)
        copy.set_weights([*WEIGHTS[:-2], times * WEIGHTS[-2], WEIGHTS[-1]])
        return copy

    for layer in (-1, "out", model.layers[-1]):  # of the original model, or of the one that the modifier returns
        got = visualize_saliency(model, layer, 1, X, backprop_modifier=doubled, **SIGNED)
        np.testing.assert_allclose(got, 2 * visualize_saliency(model, -1, 1, X, **SIGNED), rtol=1e-5)
    wrt = visualize_saliency(model, -1, 1, X, model.layers[5].output, doubled, None, normalize=False)
    np.testing.assert_allclose(wrt, 2 * WEIGHTS[6][:, 1], rtol=1e-5)
    assert visualize_cam(model, -1, 1, X, model.layers[2], doubled, "relu").shape == (12, 12)
    assert all(given is model for given in calls) and len(calls) == 5
    end = keras.Sequential([*model.layers, keras.layers.Softmax(name="soft")])
    end.build((None, *X.shape))
    for layer in (-1, "soft", end.layers[-1]):  # uses the logits, also of the returned model
        close(visualize_saliency(end, layer, 1, X, backprop_modifier=_clone), "sal default cls1")
    inner = nested()
    for layer in (inner.get_layer("body").layers[2], "c2"):
        close(visualize_saliency(inner, layer, 3, X, backprop_modifier=lambda given: given, **RAW), "conv filter c2[3]")


@pytest.mark.parametrize("wrong", ["guide", 3, lambda: None, lambda a, b, c: a])
def test_invalid_modifiers_raise(model, wrong):
    with pytest.raises(
        InputError, match=r"`backprop_modifier` \(=.*\) must be one of guided, rectified, relu, deconv, a callable"
    ):
        visualize_saliency(model, -1, 1, X, backprop_modifier=wrong)
    if not callable(wrong):
        with pytest.raises(InputError, match=r"`grad_modifier` \(=.*\) must be one of negate, absolute, invert, relu, small"):
            visualize_saliency(model, -1, 1, X, grad_modifier=wrong)

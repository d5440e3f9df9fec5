"""Gradients with respect to the output of a layer."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("keras")

import keras
import tensorflow as tf

from saliency.compat.keras_vis import visualize_saliency
from saliency.core.errors import TargetError
from tests.compat.vis.keras_networks import WEIGHTS, X, close

L = keras.layers


def test_gradients_with_respect_to_any_layers_output(model):
    score = WEIGHTS[6][:, 1]
    hidden = keras.Model(model.inputs[0], model.get_layer("hidden").output)
    for tensor in ("hidden", model.get_layer("hidden"), model.get_layer("hidden").output, hidden.outputs[0]):
        got = visualize_saliency(model, -1, 1, X, tensor, grad_modifier=None, normalize=False)
        np.testing.assert_allclose(got, score, rtol=1e-6)
    of_c2 = visualize_saliency(model, -1, 1, X, model.layers[2].output, grad_modifier=None, keepdims=True, normalize=False)
    watched = tf.Variable(keras.Model(model.inputs[0], model.layers[2].output)(X[None]))
    with tf.GradientTape() as tape:
        h = watched
        for layer in model.layers[3:]:
            h = layer(h)
        y = h[:, 1]
    np.testing.assert_allclose(of_c2, tape.gradient(y, watched)[0], rtol=1e-5, atol=1e-7)
    strongest = visualize_saliency(model, -1, 1, X, "c2", grad_modifier=None, normalize=False)
    np.testing.assert_array_equal(strongest, of_c2.max(-1))
    for tensor in (model.inputs[0], model.inputs, None):
        close(visualize_saliency(model, -1, 1, X, tensor), "sal default cls1")
    model(keras.Input(X.shape))
    close(visualize_saliency(model, -1, 1, X, model.input), "sal default cls1")


@pytest.mark.parametrize("wrong", ["no", L.Dense(3), 3.5, np.ones(3), L.Dense(3)(keras.Input((3,)))])
def test_tensors_outside_the_network_raise(model, wrong):
    with pytest.raises(TargetError, match=r"`(at|wrt_tensor)` \("):
        visualize_saliency(model, -1, 1, X, wrong)

"""Test the errors for wrong models, inputs and targets."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency import GradCAM, Occlusion, Vanilla
from saliency.core.errors import GradientError, InputError, ModelError, TargetError
from saliency.tf import KerasAdapter
from tests.tf.eager.keras_networks import PICTURES, convolutional_model
from tests.tf.relu_networks import Module, X, functional_model, keep_alive

L = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore::saliency.core.errors.ZeroGradientWarning")  # small networks may be dead


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Vanilla(convolutional_model(), 9).GetMask(PICTURES[0]), TargetError, r"class or channel 9 is not in the model's output, which has 4"),
        (lambda: Vanilla(convolutional_model(), 1).GetMask(PICTURES), InputError, r"forward pass failed for `x_value` of shape \(3, 12, 10, 2\)"),
        (lambda: Vanilla(convolutional_model(), 1).GetMask(PICTURES[0] * np.nan), InputError, "NaN or infinite"),
        (lambda: Vanilla(convolutional_model(), 1).GetMask(tf.constant(PICTURES[0] * np.inf)), InputError, "finite real numbers"),
        (lambda: KerasAdapter("/nowhere"), InputError, r"'/nowhere'.*folder of a SavedModel"),
        (lambda: KerasAdapter(Module(), signature="serve"), InputError, "has no signatures"),
        (lambda: KerasAdapter(3), InputError, r"`model` \(int\)"),
        (lambda: Vanilla(Module, 1), InputError, "not an instance"),
        (lambda: Vanilla(convolutional_model(L.Lambda(tf.stop_gradient)), 1).GetMask(PICTURES[0]), GradientError, "does not depend"),
        (lambda: GradCAM(functional_model(L.ReLU(), L.ReLU()), 1).GetMask(X[0]), TargetError, "`layer`"),
    ],
)  # fmt: skip
def test_error_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_call_inside_a_graph():
    model = functional_model(L.ReLU(), L.ReLU())
    with tf.Graph().as_default(), pytest.raises(ModelError, match=r"builds a graph here.*GraphAdapter"):
        Vanilla(model, 0).GetMask(X[0])


WRONG_ROWS = {
    "twice as many": (lambda z: tf.concat([z, 10 * z], 0), r"the shape .* for 2 input\(s\)"),
    "another axis first": (
        lambda z: tf.stack([z, 2 * z, 3 * z]),
        r"the shape \(3, .*, 6\), and the samples are on its axis 1",
    ),
    "another axis of that length": (
        lambda z: tf.stack([z, 2 * z]),
        r"the shape \(2, .*, 6\), and the samples are on its axis 1",
    ),
}


@pytest.mark.parametrize("name", WRONG_ROWS)
def test_wrong_number_of_output_rows(name):
    rows, message = WRONG_ROWS[name]
    model = tf.function(lambda x: rows(tf.tanh(x)))
    for method in (Vanilla, Occlusion):
        with pytest.raises(ModelError, match="the model's output has " + message):
            method(saliency.wrap(model), 1).GetMasks(X[:2], **({"size": 1} if method is Occlusion else {}))


def test_one_output_row_for_all_inputs():
    model = tf.function(lambda x: tf.reduce_mean(tf.tanh(x), 0, keepdims=True))
    with pytest.warns(saliency.BatchWarning, match=r"the shape .* for 2 input\(s\).* but not for one: .*batch_size=1"):
        masks = Vanilla(model, 1).GetMasks(X[:2])
    np.testing.assert_array_equal(masks, [Vanilla(model, 1).GetMask(x) for x in X[:2]])


def test_errors_inside_the_model_and_the_target():
    def checked(x):
        tf.debugging.assert_greater(tf.reduce_max(x), 1e9, message="too small")
        return x

    with pytest.raises(InputError, match="too small"):
        Vanilla(saliency.wrap(keep_alive(tf.function(checked))), 1).GetMask(X[0])
    with pytest.raises(TargetError, match=r"`y` failed: .*TensorFlow's operations"):
        Vanilla(convolutional_model(), lambda out: out[:, 0] if out[0, 0] > 0 else out[:, 1]).GetMask(PICTURES[0])
    with pytest.raises(ModelError, match="Keras model"):
        Vanilla(convolutional_model().predict, 1).GetMask(PICTURES[0])
    with pytest.raises(InputError):
        Vanilla(convolutional_model(), 1).GetMask(tf.ragged.constant([[1.0, 2.0], [3.0]]))

"""Test that the logits in front of a softmax or sigmoid are found, and that hidden logits cause a warning."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency import Occlusion, Vanilla
from saliency.core.errors import LogitWarning
from tests.tf.eager.keras_networks import PICTURES, convolutional_model, tape_gradients

L = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore::saliency.core.errors.ZeroGradientWarning")  # small networks may be dead

HEADS = {
    "Softmax layer": L.Softmax(),
    "softmax": L.Activation("softmax"),
    "sigmoid": L.Activation("sigmoid"),
    "log softmax": L.Activation("log_softmax"),
    "log sigmoid": L.Activation("log_sigmoid"),
    "keras.ops": keras.ops.softmax,
    "tf.nn in a Lambda": L.Lambda(tf.nn.softmax),
    "reshaped": lambda y: L.Reshape((4,))(L.Reshape((4, 1))(L.Softmax()(y))),
    "transposed": L.Lambda(lambda y: tf.transpose(tf.nn.softmax(tf.transpose(y), axis=0))),
    "cast": L.Lambda(lambda y: tf.cast(tf.cast(tf.nn.softmax(y), tf.float64), tf.float32)),
    "all but the last": L.Lambda(lambda y: tf.nn.softmax(y)[:, :3]),
}


@functools.cache
def bare_model():
    return convolutional_model()


@pytest.mark.parametrize("head", HEADS)
def test_class_after_softmax_or_sigmoid_is_explained_by_its_logit(head):
    bare, headed = bare_model(), convolutional_model(HEADS[head])
    np.testing.assert_allclose(
        Vanilla(headed, 2).GetMask(PICTURES[0]), tape_gradients(bare, PICTURES[:1], 2)[0], rtol=1e-4, atol=1e-7
    )
    without_logits = Vanilla(headed, 2, logits=False).GetMask(PICTURES[0])
    np.testing.assert_allclose(without_logits, tape_gradients(headed, PICTURES[:1], 2)[0], rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(Occlusion(headed, 2, size=5, stride=5).GetMask(PICTURES[0]),
                               Occlusion(bare, 2, size=5, stride=5).GetMask(PICTURES[0]), rtol=1e-3, atol=1e-6)  # fmt: skip


def test_saved_model_is_explained_by_its_logits(tmp_path):
    bare, headed = bare_model(), convolutional_model(L.Softmax())
    headed.export(str(tmp_path), verbose=False)
    np.testing.assert_allclose(
        Vanilla(saliency.wrap(str(tmp_path), trust=True), 2).GetMasks(PICTURES),
        tape_gradients(bare, PICTURES, 2),
        rtol=1e-4,
        atol=1e-7,
    )


@pytest.mark.parametrize("end", [lambda y: 2 * tf.nn.softmax(y), lambda y: tf.math.log(tf.nn.softmax(y) + 1e-9)])
def test_arithmetic_after_softmax_warns_on_every_call(end):
    model = convolutional_model(L.Lambda(end))
    for _ in range(2):
        with pytest.warns(LogitWarning):
            mask = Vanilla(model, 2).GetMask(PICTURES[0])
    np.testing.assert_allclose(mask, tape_gradients(model, PICTURES[:1], 2)[0], rtol=1e-3, atol=1e-7)
    Vanilla(model, 2, logits=False).GetMask(PICTURES[0])


def test_sigmoid_gate_is_not_the_last_activation():
    model = convolutional_model(lambda y: L.Multiply()([y, L.Activation("sigmoid")(y)]))
    np.testing.assert_allclose(
        Vanilla(model, 2).GetMask(PICTURES[0]), tape_gradients(model, PICTURES[:1], 2)[0], rtol=1e-3, atol=1e-7
    )


LOGITS_NOT_FOUND = {
    "ensemble": lambda y: (tf.nn.softmax(y) + tf.nn.softmax(2 * y)) / 2,
    "stacked": lambda y: tf.reduce_mean(tf.stack([tf.nn.softmax(y), tf.nn.softmax(y)]), axis=0),
    "turned round": lambda y: tf.reverse(tf.nn.softmax(y), [1]),
    "padded": lambda y: tf.pad(tf.nn.softmax(y), [[0, 0], [0, 1]]),
    "a branch": lambda y: tf.cond(tf.reduce_sum(y) > -1e9, lambda: tf.nn.softmax(y), lambda: y),
    "a loop": lambda y: tf.while_loop(lambda i, _: i < 1, lambda i, h: (i + 1, tf.nn.softmax(h)), (0, y))[1],
    "map_fn": lambda y: tf.map_fn(tf.nn.softmax, y[:, None])[:, 0],
}


@pytest.mark.parametrize("name", LOGITS_NOT_FOUND)
def test_hidden_softmax_warns(name):
    with pytest.warns(LogitWarning):
        Vanilla(convolutional_model(L.Lambda(LOGITS_NOT_FOUND[name], output_shape=(4,))), 1).GetMask(PICTURES[0])


@pytest.mark.parametrize(
    "gate", [lambda y: y * tf.nn.sigmoid(y), lambda y: tf.nn.softmax(y) @ tf.ones((4, 3)), lambda y: y + tf.nn.sigmoid(y)]
)
def test_gate_hides_no_logits(gate):
    Vanilla(convolutional_model(L.Lambda(gate, output_shape=(4,))), 1).GetMask(PICTURES[0])


def test_logits_before_ensure_shape():
    model = convolutional_model(L.Lambda(lambda y: tf.ensure_shape(tf.nn.softmax(y), (None, 4))))
    np.testing.assert_allclose(
        Vanilla(model, 2).GetMask(PICTURES[0]), tape_gradients(bare_model(), PICTURES[:1], 2)[0], rtol=1e-4, atol=1e-7
    )

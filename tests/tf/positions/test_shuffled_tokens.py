"""Tokens that a Keras model shuffles or drops: their map is that of their places in the image, or it is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency.core.adapter_request import Request
from saliency.core.target import Target

RNG = np.random.default_rng(0)
ORDER = RNG.permutation(24)
X = RNG.normal(size=(2, 32, 48, 3)).astype("float32")


class Shuffle(keras.layers.Layer):
    """Tokens in another order, or fewer of them."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.order = self.add_weight(shape=(24,), dtype="int32", trainable=False)

    def call(self, tokens):
        return self.function(tokens, self)


def network(function):
    """Cut (32, 48, 3) into 4 x 6 tokens, which a function moves."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((32, 48, 3)),
            keras.layers.Conv2D(8, 8, strides=8),
            keras.layers.Reshape((24, 8), name="tokens"),
            Shuffle(function),
            keras.layers.Dense(8, activation="relu", name="mlp"),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(5),
        ]
    )


def order_of_score(tokens):
    return tf.argsort(tf.reduce_sum(tokens, -1), axis=1)


def by_columns(tokens):
    return tf.reshape(tf.transpose(tf.reshape(tokens, (-1, 4, 6, 8)), (0, 2, 1, 3)), (-1, 24, 8))


PROVEN = {
    "constant order": lambda t, _: tf.gather(t, ORDER, axis=1),
    "order and its inverse": lambda t, _: tf.gather(tf.gather(t, ORDER, axis=1), np.argsort(ORDER), axis=1),
    "order of keras.ops": lambda t, _: keras.ops.take(t, ORDER - 24, axis=1),
    "one by one": lambda t, _: tf.stack([tf.unstack(t, axis=1)[place] for place in ORDER], axis=1),
    "columns first": lambda t, _: by_columns(t),
}

REFUSED = {
    "order of a score": lambda t, _: tf.gather(t, order_of_score(t), batch_dims=1),
    "order of the first input's score": lambda t, _: tf.gather(t, order_of_score(t)[0], axis=1),
    "random order": lambda t, _: tf.gather(t, tf.random.shuffle(tf.range(24)), axis=1),
    "order in a weight": lambda t, layer: tf.gather(t, layer.order, axis=1),
    "best tokens": lambda t, _: tf.gather(t, tf.math.top_k(tf.reduce_sum(t, -1), 12).indices, batch_dims=1),
    "first half": lambda t, _: tf.gather(t, np.arange(12), axis=1),
    "random tokens": lambda t, _: tf.gather(t, ORDER[:12], axis=1),
    "tokens twice": lambda t, _: tf.gather(t, np.arange(24) // 2, axis=1),
    "product with a permutation": lambda t, _: tf.matmul(tf.one_hot(order_of_score(t), 24), t),
    "sorted features": lambda t, _: tf.transpose(tf.sort(tf.transpose(t, (0, 2, 1)), -1), (0, 2, 1)),
    "rolled by a score": lambda t, _: tf.roll(t, order_of_score(t)[0, 0], 1),
    "one order for each input": lambda t, _: tf.map_fn(lambda one: tf.gather(one, tf.argsort(one[:, 0])), t),
}


def features(model, x):
    """Return the output of the layer behind the shuffled tokens on its grid, as class activation maps read it."""
    adapter = saliency.wrap(model)
    return np.asarray(adapter.numpy(adapter.features(adapter.asarray(x), Request(Target.of([3] * len(x)), layer="mlp"))[1]))


@pytest.mark.parametrize("name", PROVEN)
def test_each_token_is_at_its_patch(name):
    model = network(PROVEN[name])
    before = features(model, X)
    assert before.shape == (2, 8, 4, 6)
    for row, column in [(0, 5), (2, 2), (3, 1)]:
        changed = X.copy()
        changed[:, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8] += 2
        moved = np.abs(features(model, changed) - before).sum(1)
        assert np.argwhere(moved > 1e-6).tolist() == [[0, row, column], [1, row, column]]
    assert saliency.GradCAM(model, 3).GetMask(X[0]).details["layer"] == "mlp"


@pytest.mark.parametrize("name", REFUSED)
def test_tokens_in_an_unknown_order_are_refused(name):
    model = network(REFUSED[name])
    with pytest.raises(saliency.TargetError, match="not known to hold the positions of the whole input"):
        saliency.GradCAM(model, 3, layer="mlp").GetMask(X[0])


def test_the_layer_in_front_of_the_shuffle_is_found():
    model = network(REFUSED["order of a score"])
    with pytest.warns(UserWarning, match="mlp"):
        mask = saliency.GradCAM(model, 3).GetMask(X[0])
    assert mask.details["layer"] == "tokens" and mask.details["grid"].tolist() == [4, 6]

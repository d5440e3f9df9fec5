"""A channel and a unit of a layer that returns tokens: the same map in Torch, Keras and a TensorFlow 1 graph."""

import numpy as np
import pytest

import saliency
from saliency.core.errors import TargetError

tf = pytest.importorskip("tensorflow")
torch, keras = pytest.importorskip("torch"), pytest.importorskip("keras")

nn, L, v1 = torch.nn, keras.layers, tf.compat.v1
RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 12, 16, 3)).astype(np.float32)
PATCHES = (RNG.normal(size=(4, 4, 3, 8)) / 4).astype(np.float32)  # of a convolution, (rows, columns, in, out)
WEIGHTS = RNG.normal(size=(8, 8)).astype(np.float32)
HEAD = RNG.normal(size=(8, 5)).astype(np.float32)
TARGETS = {("b", 5): lambda t: t[:, 5].mean(), ("b", 5, 1, 2): lambda t: t[6, 5]}
"""Targets and what they read from the tokens (3 * 4, 8) of one image."""


class TorchTokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch, self.b, self.head = nn.Conv2d(3, 8, 4, 4, bias=False), nn.Linear(8, 8, False), nn.Linear(8, 5, False)
        weights = PATCHES.transpose(3, 2, 0, 1), WEIGHTS.T, HEAD.T
        for layer, values in zip((self.patch, self.b, self.head), weights, strict=True):
            layer.weight.data = torch.tensor(values.copy())

    def forward(self, x):
        return self.head(torch.tanh(self.b(torch.tanh(self.patch(x)).flatten(2).transpose(1, 2))).mean(1))


def keras_tokens():
    x = keras.Input((12, 16, 3))
    tokens = L.Reshape((12, 8))(L.Conv2D(8, 4, 4, activation="tanh", use_bias=False)(x))
    tokens = L.Activation("tanh")(L.Dense(8, use_bias=False, name="b")(tokens))
    model = keras.Model(x, L.Dense(5, use_bias=False)(L.GlobalAveragePooling1D()(tokens)))
    model.set_weights([PATCHES, WEIGHTS, HEAD])
    return model


def reference(read):
    """Return the gradient of ``read`` for each image by Torch's autograd, (N, rows, columns, channels)."""
    model, leaf = TorchTokens(), torch.tensor(X.transpose(0, 3, 1, 2)).requires_grad_()
    tokens = model.b(torch.tanh(model.patch(leaf)).flatten(2).transpose(1, 2))
    return torch.autograd.grad(sum(map(read, tokens)), leaf)[0].numpy().transpose(0, 2, 3, 1)


@pytest.mark.parametrize("y", TARGETS)
def test_frameworks_agree(y):
    expected = reference(TARGETS[y])
    found = saliency.Vanilla(TorchTokens().eval(), y).GetMasks(X.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(np.moveaxis(found, 1, -1), expected, atol=1e-6)
    np.testing.assert_allclose(saliency.Vanilla(keras_tokens(), y).GetMasks(X), expected, atol=1e-6)


@pytest.mark.parametrize("y", TARGETS)
def test_a_graph_of_tensorflow_1(y):
    graph = tf.Graph()
    with graph.as_default(), v1.Session(graph=graph) as session:
        x = v1.placeholder(tf.float32, (None, 12, 16, 3))
        tokens = tf.reshape(tf.tanh(tf.nn.conv2d(x, PATCHES, 4, "VALID")), (-1, 12, 8))
        tokens = tf.reshape(tf.reshape(tokens, (-1, 8)) @ WEIGHTS, (-1, 12, 8), name="b")
        logits = tf.reduce_mean(tf.tanh(tokens), 1) @ HEAD
        found = saliency.Vanilla(saliency.tf.GraphAdapter(graph, session, logits, x), y).GetMasks(X)
    np.testing.assert_allclose(found, reference(TARGETS[y]), atol=1e-6)


def layer_reference(model, read):
    """Return the gradient of ``read`` of the output of layer ``b`` of a Keras model."""
    part, x = keras.Model(model.input, model.get_layer("b").output), tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = tf.reduce_sum(read(part(x)))
    return tape.gradient(score, x).numpy()


@pytest.mark.parametrize(
    ("order", "read"),
    [
        (L.Permute((2, 1)), lambda t: t[:, 5]),  # (N, channels, tokens)
        (lambda t: L.Permute((3, 1, 2))(L.Reshape((3, 4, 8))(t)), lambda t: t[:, 5]),  # channels first
    ],
)
def test_channels_of_keras_layers_that_are_not_last(order, read):
    x = keras.Input((12, 16, 3))
    tokens = L.Reshape((12, 8))(L.Conv2D(8, 4, 4)(x))
    model = keras.Model(x, L.Dense(5)(L.Flatten()(L.Activation("tanh", name="b")(order(tokens)))))
    n = int(np.prod(model.get_layer("b").output.shape[1:])) // 8
    expected = layer_reference(model, read) / n
    np.testing.assert_allclose(saliency.Vanilla(model, ("b", 5)).GetMasks(X), expected, rtol=1e-4, atol=1e-7)


def test_sorted_tokens_are_refused_in_keras():
    x = keras.Input((12, 16, 3))
    tokens = L.Reshape((12, 8))(L.Conv2D(8, 4, 4)(x))
    tokens = L.Activation("tanh", name="b")(L.Lambda(lambda t: tf.sort(t, axis=1))(tokens))
    model = keras.Model(x, L.Dense(5)(L.Flatten()(tokens)))
    with pytest.raises(TargetError, match="names a channel of layer 'b'.*does not show which axis"):
        saliency.Vanilla(model, ("b", 5)).GetMasks(X)
    by_hand = saliency.Vanilla(model, ("b", lambda t: tf.reduce_mean(t[..., 5], 1))).GetMasks(X)
    np.testing.assert_allclose(by_hand, layer_reference(model, lambda t: t[..., 5]) / 12, rtol=1e-4, atol=1e-7)

"""The axis of the classes of a dense output, wherever the model puts it: the same map in Torch, Keras and TensorFlow 1."""

import numpy as np
import pytest

import saliency
from saliency.core.errors import TargetError

tf = pytest.importorskip("tensorflow")
torch, keras = pytest.importorskip("torch"), pytest.importorskip("keras")

nn, L, v1 = torch.nn, keras.layers, tf.compat.v1
RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 6, 3)).astype(np.float32)  # the classes are as many as rows, so that no shape tells them apart
KERNEL = RNG.normal(size=(3, 3, 3, 5)).astype(np.float32) / 5  # of a convolution, (rows, columns, in, out)
LATENT = RNG.normal(size=(90, 150)).astype(np.float32) / 9

ORDERS = {"nchw": (0, 3, 1, 2), "nhwc": (0, 1, 2, 3), "nhcw": (0, 1, 3, 2)}
"""The order of the axes of an output from that of (N, rows, columns, classes)."""

TARGETS = {
    3: lambda out: out[..., 3].mean((1, 2)),
    saliency.Difference(3, 1): lambda out: out[..., 3].mean((1, 2)) - out[..., 1].mean((1, 2)),
    saliency.Region(2, "peak"): lambda out: out[..., 2].flatten(1).max(1).values,
}
"""Targets and what they read from an output (N, rows, columns, classes)."""


class TorchDense(nn.Module):
    """A dense output; with ``ends`` in a softmax over the classes or not, from the image or from a latent vector."""

    def __init__(self, order, ends="", latent=False):
        super().__init__()
        self.order, self.ends, self.latent = order, ends, latent
        self.conv = nn.Conv2d(3, 5, 3, padding=1, bias=False)
        self.conv.weight.data = torch.tensor(KERNEL.transpose(3, 2, 0, 1).copy())

    def last(self, x):
        if self.latent:
            return torch.tanh(x.flatten(1) @ torch.tensor(LATENT)).reshape(-1, 5, 6, 5)
        return torch.tanh(self.conv(x)).permute(0, 2, 3, 1)

    def forward(self, x):
        out = self.last(x)
        return (out.softmax(-1) if self.ends == "softmax" else out).permute(self.order)


def reference(read, **options):
    """Return the gradient of ``read`` for each image by Torch's autograd, (N, rows, columns, channels)."""
    leaf = torch.tensor(X.transpose(0, 3, 1, 2)).requires_grad_()
    scores = read(TorchDense(ORDERS["nhwc"], **options).last(leaf))
    return torch.autograd.grad(scores.sum(), leaf)[0].numpy().transpose(0, 2, 3, 1)


def torch_map(model, y):
    return np.moveaxis(saliency.Vanilla(model, y).GetMasks(X.transpose(0, 3, 1, 2)), 1, -1)


def keras_dense(order, ends=""):
    x = keras.Input((5, 6, 3))
    out = L.Conv2D(5, 3, padding="same", activation="tanh", use_bias=False)(x)
    out = L.Softmax()(out) if ends else out
    model = keras.Model(x, L.Permute(order[1:])(out) if order != (0, 1, 2, 3) else out)
    model.set_weights([KERNEL])
    return model


@pytest.mark.parametrize("ends", ["", "softmax"])
@pytest.mark.parametrize("name", ORDERS)
def test_frameworks_agree(name, ends):
    for y, read in list(TARGETS.items())[: 2 if ends else 3]:  # the peak is that of the output, before or after a softmax
        expected = reference(read)  # of the logits
        np.testing.assert_allclose(torch_map(TorchDense(ORDERS[name], ends).eval(), y), expected, atol=1e-6)
        np.testing.assert_allclose(saliency.Vanilla(keras_dense(ORDERS[name], ends), y).GetMasks(X), expected, atol=1e-6)


@pytest.mark.parametrize("length", [6, None])
def test_a_graph_of_tensorflow_1(length):
    graph = tf.Graph()
    with graph.as_default(), v1.Session(graph=graph) as session:
        x = v1.placeholder(tf.float32, (None, 5, length, 3))
        out = tf.transpose(tf.tanh(tf.nn.conv2d(x, KERNEL, 1, "SAME")), ORDERS["nchw"])
        for y, read in TARGETS.items():
            found = saliency.Vanilla(saliency.tf.GraphAdapter(graph, session, out, x), y).GetMasks(X)
            np.testing.assert_allclose(found, reference(read), atol=1e-6)


def test_the_other_methods_read_the_same_axis():
    x = X.transpose(0, 3, 1, 2)
    model, last = TorchDense(ORDERS["nchw"]).eval(), TorchDense(ORDERS["nhwc"]).eval()
    for method in (saliency.IntegratedGradients, saliency.GradCAM, saliency.Occlusion, saliency.InputXGradient):
        options = {"GradCAM": {"layer": "conv"}, "Occlusion": {"size": 3}}.get(method.__name__, {})
        first, second = (method(one, 3, **options).GetMasks(x) for one in (model, last))
        np.testing.assert_allclose(first, second, atol=1e-5, err_msg=method.__name__)


def test_an_axis_that_nothing_shows_is_named_by_the_user():
    model = TorchDense(ORDERS["nhwc"], latent=True).eval()
    for y in (3, saliency.Region(3), None):
        with pytest.raises(TargetError, match=r"output \(N, 5, 6, 5\), and the model does not show which axis"):
            torch_map(model, y)
    expected = reference(TARGETS[3], latent=True)
    np.testing.assert_allclose(torch_map(model, saliency.Region(3, axis=-1)), expected, atol=1e-6)
    latent = tf.function(lambda x: tf.reshape(tf.tanh(tf.reshape(x, (-1, 90)) @ LATENT), (-1, 5, 6, 5)))
    with pytest.raises(TargetError, match=r"output \(N, 5, 6, 5\), and the model does not show which axis"):
        saliency.Vanilla(latent, 3).GetMasks(X)
    by_axis = saliency.Vanilla(latent, saliency.Region(3, axis=3)).GetMasks(X)
    by_hand = saliency.Vanilla(latent, lambda out: tf.reduce_mean(out[..., 3], (1, 2))).GetMasks(X)
    np.testing.assert_array_equal(by_axis, by_hand)


def test_a_decoder_of_a_latent_vector_has_the_channels_of_its_convolutions():
    class Decoder(TorchDense):
        def forward(self, x):
            return self.conv(super().last(x).permute(0, 3, 1, 2)[:, :3]).permute(0, 2, 3, 1)

    found = torch_map(Decoder(ORDERS["nhwc"], latent=True).eval(), 3)
    expected = torch_map(Decoder(ORDERS["nhwc"], latent=True).eval(), lambda out: out[..., 3].mean((1, 2)))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_tokens_of_a_signal():
    """(N, tokens, classes), as a network for speech returns them; a recurrent network hides which axis is which."""
    x = RNG.normal(size=(2, 4, 8)).astype(np.float32)

    class Speech(nn.Module):
        def __init__(self, recurrent):
            super().__init__()
            torch.manual_seed(0)
            self.conv, self.head = nn.Conv1d(4, 6, 1), nn.Linear(6, 8)
            self.rnn = nn.GRU(6, 6, batch_first=True) if recurrent else None

        def forward(self, x):
            t = torch.tanh(self.conv(x)).transpose(1, 2)
            return self.head(t if self.rnn is None else self.rnn(t)[0])

    model, leaf = Speech(recurrent=False).eval(), torch.tensor(x, requires_grad=True)
    expected = torch.autograd.grad(model(leaf)[..., 3].mean(1).sum(), leaf)[0]
    np.testing.assert_allclose(saliency.Vanilla(model, 3).GetMasks(x), expected, atol=1e-6)
    with pytest.raises(TargetError, match=r"output \(N, 8, 8\), and the model does not show which axis"):
        saliency.Vanilla(Speech(recurrent=True).eval(), 3).GetMasks(x)

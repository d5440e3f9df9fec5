"""Filters of layers whose channels are not where they usually are: tokens (N, T, C), and channels in front."""

import numpy as np
import pytest

from saliency.compat.keras_vis import ActivationMaximization, visualize_saliency, visualize_saliency_with_losses
from saliency.core.errors import TargetError

torch = pytest.importorskip("torch")
nn = torch.nn

SIGNED = {"grad_modifier": None, "keepdims": True, "normalize": False}
X = np.random.default_rng(0).normal(size=(1, 3, 8, 8)).astype(np.float32)


class Tokens(nn.Module):
    """Four tokens of four channels, so that no shape tells them apart."""

    def __init__(self, sort=False):
        super().__init__()
        torch.manual_seed(0)
        self.patch, self.b, self.head, self.sort = nn.Conv2d(3, 4, 4, 4), nn.Linear(4, 4), nn.Linear(4, 5), sort

    def tokens(self, x):
        t = self.patch(x).flatten(2).transpose(1, 2)
        return self.b(t.sort(1).values if self.sort else t)

    def after(self, t):
        return self.head(torch.tanh(t).mean(1))

    def forward(self, x):
        return self.after(self.tokens(x))


def gradient(read):
    leaf = torch.tensor(X, requires_grad=True)
    return torch.autograd.grad(read(leaf).sum(), leaf)[0].numpy()[0]


def test_losses_of_filters_of_tokens():
    model = Tokens().eval()
    losses = [(ActivationMaximization("b", 1), -1.0), (ActivationMaximization("b", [0, -1]), -0.5)]
    found = visualize_saliency_with_losses(model, losses, X, **SIGNED)
    expected = gradient(lambda x: model.tokens(x)[..., 1].mean(1) + 0.5 * model.tokens(x)[..., [0, 3]].sum(-1).mean(1))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    one = visualize_saliency(model, "b", 1, X, **SIGNED)
    np.testing.assert_allclose(one, gradient(lambda x: model.tokens(x)[..., 1].mean(1)), atol=1e-6)


def test_the_strongest_channel_of_each_token():
    model = Tokens().eval()
    tokens = model.tokens(torch.tensor(X)).detach().requires_grad_()
    expected = torch.autograd.grad(model.after(tokens)[:, 2].sum(), tokens)[0].numpy()[0]
    found = visualize_saliency(model, None, 2, X, "b", grad_modifier=None, normalize=False)
    np.testing.assert_allclose(found, expected.max(-1), atol=1e-6)
    kept = visualize_saliency(model, None, 2, X, "b", **SIGNED)
    np.testing.assert_allclose(kept, expected, atol=1e-6)


def test_filters_that_the_model_does_not_show_are_refused():
    model = Tokens(sort=True).eval()
    losses = [(ActivationMaximization("b", 1), -1.0), (ActivationMaximization("b", 0), -1.0)]
    with pytest.raises(TargetError, match=r"`layer` \('b'\) outputs the shape \(1, 4, 4\).*user-defined loss"):
        visualize_saliency_with_losses(model, losses, X, **SIGNED)
    with pytest.raises(TargetError, match=r"`wrt_tensor` \('b'\) outputs the shape \(1, 4, 4\).*keepdims=True"):
        visualize_saliency(model, None, 2, X, "b", grad_modifier=None, normalize=False)


@pytest.mark.needs("tensorflow")
def test_channels_of_keras_layers_in_front():
    keras = pytest.importorskip("keras")
    tf = pytest.importorskip("tensorflow")
    x = keras.Input((8, 8, 3))
    tokens = keras.layers.Permute((2, 1), name="b")(keras.layers.Reshape((4, 4))(keras.layers.Conv2D(4, 4, 4)(x)))
    model = keras.Model(x, keras.layers.Dense(5)(keras.layers.Flatten()(tokens)))
    part, image = keras.Model(x, model.get_layer("b").output), tf.constant(X.transpose(0, 2, 3, 1))
    with tf.GradientTape() as tape:
        tape.watch(image)
        t = part(image)
        score = tf.reduce_mean(t[:, 1]) + tf.reduce_mean(t[:, 3])
    losses = [(ActivationMaximization("b", 1), -1.0), (ActivationMaximization("b", 3), -1.0)]
    found = visualize_saliency_with_losses(model, losses, image.numpy(), **SIGNED)
    np.testing.assert_allclose(found, tape.gradient(score, image)[0], atol=1e-6)

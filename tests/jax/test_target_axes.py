"""Targets that name a channel of a layer whose channels are not where they usually are, against JAX's gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import saliency
from saliency.core.errors import TargetError

X = np.random.default_rng(0).normal(size=(2, 12, 16, 3)).astype("float32")


class Tokens(nnx.Module):
    """Patches as tokens (N, T, C), (N, C, T) or (N, T, C) in the order of their values."""

    def __init__(self, kind):
        rngs, self.kind = nnx.Rngs(0), kind
        self.patch = nnx.Conv(3, 8, (4, 4), strides=4, padding="VALID", rngs=rngs)
        self.b = nnx.Sequential(jnp.tanh)
        self.head = nnx.Linear(96, 5, rngs=rngs)

    def tokens(self, x):
        t = self.patch(x).reshape(len(x), -1, 8)
        return jnp.sort(t, axis=1) if self.kind == "sorted" else t

    def __call__(self, x):
        t = self.tokens(x)
        t = self.b(t.transpose(0, 2, 1) if self.kind == "nct" else t)
        return self.head(t.reshape(len(x), -1))


@pytest.mark.parametrize("kind", ["ntc", "nct"])
def test_channels_and_units(kind):
    model = Tokens(kind)
    for y, read in [(("b", 5), lambda t: t[..., 5].mean(1)), (("b", 5, 1, 2), lambda t: t[:, 6, 5])]:
        expected = jax.grad(lambda x, read=read: read(jnp.tanh(model.tokens(x))).sum())(jnp.asarray(X))
        np.testing.assert_allclose(saliency.Vanilla(model, y).GetMasks(X), expected, rtol=1e-4, atol=1e-7)


def test_tokens_that_are_not_known_to_be_positions_are_refused():
    model = Tokens("sorted")
    with pytest.raises(TargetError, match="names a channel of layer 'b'.*does not show which axis"):
        saliency.Vanilla(model, ("b", 5)).GetMasks(X)
    assert np.abs(saliency.Vanilla(model, ("b", lambda t: t[..., 5].mean(1))).GetMasks(X)).max() > 0


class Dense(nnx.Module):
    """A dense output (N, rows, columns, classes) in an order of its axes, from the image or from a latent vector."""

    def __init__(self, order, latent=False):
        rngs, self.order, self.latent = nnx.Rngs(0), order, latent
        self.conv = nnx.Conv(3, 12, (3, 3), rngs=rngs)

    def last(self, x):
        return jnp.tanh(x.reshape(len(x), -1)).reshape(len(x), 12, 12, 4) if self.latent else jnp.tanh(self.conv(x))

    def __call__(self, x):
        return self.last(x).transpose(self.order)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 3, 1, 2), (0, 1, 3, 2)])
def test_the_axis_of_the_classes_of_a_dense_output(order):
    model = Dense(order)
    expected = jax.grad(lambda x: model.last(x)[..., 5].mean((1, 2)).sum())(jnp.asarray(X))
    np.testing.assert_allclose(saliency.Vanilla(model, 5).GetMasks(X), expected, rtol=1e-4, atol=1e-7)


def test_an_axis_that_nothing_shows_is_named_by_the_user():
    model = Dense((0, 1, 2, 3), latent=True)
    with pytest.raises(TargetError, match=r"output \(N, 12, 12, 4\), and the model does not show which axis"):
        saliency.Vanilla(model, 3).GetMasks(X)
    expected = jax.grad(lambda x: model(x)[..., 3].mean((1, 2)).sum())(jnp.asarray(X))
    np.testing.assert_allclose(
        saliency.Vanilla(model, saliency.Region(3, axis=-1)).GetMasks(X), expected, rtol=1e-4, atol=1e-7
    )

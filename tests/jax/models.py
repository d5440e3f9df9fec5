"""A module of Flax and a module of Equinox, each with convolutions, dropout and a head."""

import equinox as eqx
import jax
from flax import nnx


class Flax(nnx.Module):
    def __init__(self):
        rngs = nnx.Rngs(0)
        self.convolution = nnx.Conv(3, 4, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(4, rngs=rngs)
        self.blocks = nnx.List([nnx.Conv(4, 5, (3, 3), strides=(2, 2), rngs=rngs)])
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.head = nnx.Sequential(nnx.Linear(5, 6, rngs=rngs), jax.nn.softmax)

    def __call__(self, x):
        x = jax.nn.relu(self.norm(self.convolution(x)))
        return self.head(self.drop(jax.nn.relu(self.blocks[0](x)).mean((1, 2))))


class Equinox(eqx.Module):
    """A network of one sample."""

    convolutions: list
    linear: eqx.nn.Linear
    drop: eqx.nn.Dropout

    def __init__(self):
        keys = jax.random.split(jax.random.key(0), 3)
        self.convolutions = [eqx.nn.Conv2d(3, 4, 3, key=keys[0]), eqx.nn.Conv2d(4, 4, 3, padding=1, key=keys[1])]
        self.linear, self.drop = eqx.nn.Linear(4, 3, key=keys[2]), eqx.nn.Dropout(0.5)

    def __call__(self, x, key=None):
        for convolution in self.convolutions:
            x = jax.nn.relu(convolution(x))
        return self.linear(self.drop(x.mean((1, 2)), key=key))

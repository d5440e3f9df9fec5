"""Both frameworks find the same layer of the same transformer, never a projection inside attention."""

import numpy as np
import pytest

from saliency import GradCAM

pytestmark = [pytest.mark.needs("torch"), pytest.mark.needs("tensorflow")]
X = np.random.default_rng(0).normal(size=(32, 48, 3)).astype(np.float32)


def torch_transformer(pool):
    import torch
    from torch import nn

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.patch, self.token = nn.Conv2d(3, 8, 8, 8), nn.Parameter(torch.randn(1, 1, 8))
            self.first, self.qkv, self.proj = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 8)
            self.second, self.wide, self.narrow = nn.LayerNorm(8), nn.Linear(8, 16), nn.Linear(16, 8)
            self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 4)

        def forward(self, x):
            h = torch.cat([self.token.expand(len(x), -1, -1), self.patch(x).flatten(2).transpose(1, 2)], 1)
            q, k, v = self.qkv(self.first(h)).reshape(len(x), 25, 3, 2, 4).permute(2, 0, 3, 1, 4)
            mixed = ((q @ k.transpose(2, 3)).softmax(-1) @ v).transpose(1, 2).reshape(len(x), 25, 8)
            h = h + self.proj(mixed)
            h = self.norm(h + self.narrow(self.wide(self.second(h)).relu()))
            return self.head(h[:, 0] if pool == "token" else h.mean(1))

    torch.manual_seed(0)
    return Transformer().eval()


def keras_transformer(pool):
    import keras
    import tensorflow as tf

    layers = keras.layers

    class Transformer(keras.Model):
        def __init__(self):
            super().__init__()
            self.patch, self.token = layers.Conv2D(8, 8, 8, name="patch"), self.add_weight(shape=(1, 1, 8))
            self.qkv, self.proj = layers.Dense(24, name="qkv"), layers.Dense(8, name="proj")
            self.wide, self.narrow = layers.Dense(16, "relu", name="wide"), layers.Dense(8, name="narrow")
            self.first, self.second, self.norm = (layers.LayerNormalization(name=one) for one in ("first", "second", "norm"))
            self.head = layers.Dense(4, name="head")

        def call(self, x):
            n = tf.shape(x)[0]
            h = tf.concat([tf.repeat(self.token, n, 0), tf.reshape(self.patch(x), (n, 24, 8))], 1)
            q, k, v = tf.unstack(tf.transpose(tf.reshape(self.qkv(self.first(h)), (n, 25, 3, 2, 4)), (2, 0, 3, 1, 4)))
            mixed = tf.transpose(tf.nn.softmax(tf.matmul(q, k, transpose_b=True)) @ v, (0, 2, 1, 3))
            h = h + self.proj(tf.reshape(mixed, (n, 25, 8)))
            h = self.norm(h + self.narrow(self.wide(self.second(h))))
            return self.head(h[:, 0] if pool == "token" else tf.reduce_mean(h, 1))

    keras.utils.set_random_seed(0)
    model = Transformer()
    model(X[None])
    return model


@pytest.mark.parametrize(("pool", "layer"), [("token", "first"), ("mean", "norm")])
def test_the_same_layer(pool, layer):
    for model, x in ((torch_transformer(pool), X.transpose(2, 0, 1)), (keras_transformer(pool), X)):
        mask = GradCAM(model, 1).GetMask(x, should_resize=False)
        assert str(mask.details["layer"]) == layer and mask.shape == (4, 6) and mask.details["tokens_left_out"] == 1

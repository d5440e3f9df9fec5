"""A small vision transformer of Keras layers, also with the weights of its Torch twin."""

import keras
import numpy as np
from keras import layers, ops

from tests.torch.attention_networks import CLASSES, HEADS, WIDTH


class Tokens(layers.Layer):
    """Put the class token in front of the patches, and add the places."""

    def __init__(self, extra, **options):
        super().__init__(**options)
        self.extra = extra

    def build(self, shape):
        self.front = self.add_weight(shape=(1, self.extra, WIDTH), initializer="random_normal", name="front")
        self.place = self.add_weight(shape=(1, self.extra + shape[1], WIDTH), initializer="random_normal", name="place")

    def call(self, x):
        front = ops.tile(self.front, (ops.shape(x)[0], 1, 1))
        return ops.concatenate([front, x], axis=1) + self.place


def multi_head(y, i):
    return layers.MultiHeadAttention(HEADS, WIDTH // HEADS, name=f"attention_{i}")(y, y)


def multi_head_with_dropout(y, i):
    """Attention by einsum and a softmax layer, instead of keras.ops.dot_product_attention."""
    return layers.MultiHeadAttention(HEADS, WIDTH // HEADS, dropout=0.2, name=f"attention_{i}")(y, y)


def vit(attention=multi_head, extra=1, read="class", blocks=2, channels=3, step=None):
    """Return a Keras model of the function of ``tests.torch.attention_networks.ViT``, with channels last."""
    x = keras.Input((24, 32, channels))
    tokens = layers.Reshape((12, WIDTH))(layers.Conv2D(WIDTH, 8, 8, name="patch")(x))
    tokens = Tokens(extra, name="tokens")(tokens)
    for i in range(blocks):
        y = layers.LayerNormalization(epsilon=1e-5, name=f"norm_{i}")(tokens)
        tokens = layers.Add()([tokens, attention(y, i)])
        y = layers.LayerNormalization(epsilon=1e-5, name=f"norm_2_{i}")(tokens)
        y = layers.Dense(WIDTH, name=f"out_{i}")(layers.Dense(20, "gelu", name=f"mlp_{i}")(y))
        tokens = layers.Add()([tokens, y])
        tokens = tokens if step is None else step(tokens)
    tokens = layers.LayerNormalization(epsilon=1e-5, name="norm")(tokens)
    front = {"class": slice(0, 1), "patches": slice(extra, None), "all": slice(None)}[read]
    pooled = layers.Lambda(lambda one: ops.mean(one[:, front], 1))(tokens)
    return keras.Model(x, layers.Dense(CLASSES, name="head")(pooled))


def copy_weights(model, twin):
    """Give a Keras model the weights of a Torch ``ViT``."""
    state = {name: one.detach().numpy() for name, one in twin.state_dict().items()}

    def dense(name, path):
        model.get_layer(name).set_weights([state[f"{path}.weight"].T, state[f"{path}.bias"]])

    model.get_layer("patch").set_weights([state["patch.weight"].transpose(2, 3, 1, 0), state["patch.bias"]])
    model.get_layer("tokens").set_weights([state["extra"], state["place"]])
    dense("head", "head")
    for i in range(len(twin.blocks)):
        path, split = f"blocks.{i}", (WIDTH, HEADS, WIDTH // HEADS)
        for name, norm in ((f"norm_{i}", f"{path}.norm"), (f"norm_2_{i}", f"{path}.norm_2"), ("norm", "norm")):
            model.get_layer(name).set_weights([state[f"{norm}.weight"], state[f"{norm}.bias"]])
        dense(f"mlp_{i}", f"{path}.mlp.0")
        dense(f"out_{i}", f"{path}.mlp.2")
        keys, values = (one.T.reshape(split) for one in np.split(state[f"{path}.kv.weight"], 2))
        biases = [one.reshape(split[1:]) for one in np.split(state[f"{path}.kv.bias"], 2)]
        query = state[f"{path}.q.weight"].T.reshape(split), state[f"{path}.q.bias"].reshape(split[1:])
        out = state[f"{path}.out.weight"].T.reshape(*split[1:], WIDTH), state[f"{path}.out.bias"]
        model.get_layer(f"attention_{i}").set_weights([*query, keys, biases[0], values, biases[1], *out])
    return model

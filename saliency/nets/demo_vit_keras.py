"""The small vision transformer in Keras: the layers of ``demo_vit`` under the same names, channels last."""

from typing import Any

import keras
from keras import layers, ops

from saliency.nets.bundled_networks import INPUT_SIZE
from saliency.nets.keras_backend import import_keras

PATCH, WIDTH, HEADS, DEPTH, HIDDEN = 8, 64, 4, 5, 128  # as in ``demo_vit``, which needs Torch
PATCHES = (INPUT_SIZE[0] // PATCH) * (INPUT_SIZE[1] // PATCH)


@keras.saving.register_keras_serializable(package="saliency")
class Embeddings(layers.Layer):  # type: ignore[misc] # Keras has no types
    """Put a class token before the patches (N, 144, 64), and add the position embeddings."""

    def build(self, input_shape: Any) -> None:
        """Create the class token (1, 1, 64) and the position embeddings (1, 145, 64)."""
        width = input_shape[-1]
        self.class_token = self.add_weight(shape=(1, 1, width), initializer="zeros", name="class_token")
        self.positions = self.add_weight(shape=(1, 1 + input_shape[1], width), initializer="zeros", name="positions")

    def call(self, patches: Any) -> Any:
        """Return the tokens (N, 145, 64)."""
        token = ops.zeros_like(patches[:, :1]) + self.class_token
        return ops.concatenate([token, patches], axis=1) + self.positions


def build_demo_vit(dtype: str = "float32") -> Any:
    """Build the vision transformer with zero weights; see ``build_demo_net``.

    Args:
        dtype: of the weights and of all computations.

    Returns:
        A functional model from scenes (N, 96, 96, 3), normalized with the `MEAN` and `STD` of ``bundled_networks``, to
        logits (N, 10).

    Raises:
        ModelError: if Keras uses another backend than TensorFlow.
    """
    import_keras()

    def dense(units: int, name: str) -> Any:
        return layers.Dense(units, kernel_initializer="zeros", dtype=dtype, name=name)

    def normalization(name: str) -> Any:
        return layers.LayerNormalization(epsilon=1e-5, dtype=dtype, name=name)

    inputs = keras.Input((*INPUT_SIZE, 3), dtype=dtype, name="scene")
    x = layers.Conv2D(WIDTH, PATCH, strides=PATCH, kernel_initializer="zeros", dtype=dtype, name="patches")(inputs)
    x = layers.Reshape((PATCHES, WIDTH), dtype=dtype, name="tokens")(x)
    x = Embeddings(dtype=dtype, name="embeddings")(x)
    for i in range(DEPTH):
        block = f"blocks.{i}"
        mixed = _mix(dense(3 * WIDTH, f"{block}.attention.qkv")(normalization(f"{block}.norm1")(x)))
        x = x + dense(WIDTH, f"{block}.attention.out")(mixed)
        hidden = dense(HIDDEN, f"{block}.mlp.0")(normalization(f"{block}.norm2")(x))
        hidden = layers.Activation("gelu", dtype=dtype, name=f"{block}.mlp.1")(hidden)
        x = x + dense(WIDTH, f"{block}.mlp.2")(hidden)
    logits = dense(10, "fc1")(normalization("norm")(x)[:, 0])
    return keras.Model(inputs, logits, name="DemoViT")


def _mix(qkv: Any) -> Any:
    """Return tokens (N, 145, 64), mixed by attention, from their queries, keys and values (N, 145, 192)."""
    parts = ops.transpose(ops.reshape(qkv, (-1, 1 + PATCHES, 3, HEADS, WIDTH // HEADS)), (2, 0, 3, 1, 4))
    query, key, value = parts[0], parts[1], parts[2]  # (N, heads, tokens, 16)
    weights = ops.softmax(ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) * (WIDTH // HEADS) ** -0.5)
    return ops.reshape(ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3)), (-1, 1 + PATCHES, WIDTH))

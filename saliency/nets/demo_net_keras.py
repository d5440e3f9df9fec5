"""The demo network in Keras: the layers of ``demo_net`` under the same names, channels last."""

from typing import Any

import keras
from keras import layers

from saliency.nets.bundled_networks import INPUT_SIZE
from saliency.nets.keras_backend import import_keras

CHANNELS = (16, 32, 48, 48, 64, 64)
POOLED_BLOCKS = (1, 2)  # the blocks that end with max pooling


def build_demo_net(dtype: str = "float32") -> Any:
    """Build the demo network with zero weights.

    Zeros avoid drawing random numbers that ``load_weights`` overwrites.

    Args:
        dtype: of the weights and of all computations.

    Returns:
        A functional model from scenes (N, 96, 96, 3), normalized with the `MEAN` and `STD` of ``bundled_networks``, to
        logits (N, 10).

    Raises:
        ModelError: if Keras uses another backend than TensorFlow.
    """
    import_keras()
    inputs = x = keras.Input((*INPUT_SIZE, 3), dtype=dtype, name="scene")
    for i, channels in enumerate(CHANNELS, start=1):
        convolution = layers.Conv2D(
            channels, 3, padding="same", use_bias=False, kernel_initializer="zeros", dtype=dtype, name=f"conv{i}"
        )
        normalization = layers.BatchNormalization(epsilon=1e-5, dtype=dtype, name=f"bn{i}")
        x = layers.ReLU(dtype=dtype, name=f"relu{i}")(normalization(convolution(x)))
        if i in POOLED_BLOCKS:
            x = layers.MaxPooling2D(2, dtype=dtype, name=f"pool{i}")(x)
    x = layers.MaxPooling2D(INPUT_SIZE[0] // 4, dtype=dtype, name="pool3")(x)  # (N, 1, 1, 64)
    x = layers.Flatten(dtype=dtype, name="flatten")(x)
    logits = layers.Dense(10, kernel_initializer="zeros", dtype=dtype, name="fc1")(x)
    return keras.Model(inputs, logits, name="DemoNet")

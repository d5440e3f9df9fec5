"""The demo network in Keras: ``demo_net``'s layers under the same names, channels last."""

from typing import Any

import keras
from keras import layers

from saliency.nets.embedded_networks import INPUT_SIZE
from saliency.nets.keras_backend import keras_on_tensorflow

CHANNELS = (16, 32, 48, 48, 64, 64)
POOLED = (1, 2)  # the blocks that halve rows and columns


def build(dtype: str = "float32") -> Any:
    """Build the network, with zeros for its weights: nothing is drawn that ``load_weights`` will overwrite.

    Args:
        dtype: of the weights and of all that is computed.

    Returns:
        A functional model from scenes (N, 96, 96, 3), scaled as ``embedded`` says, to ten logits for each, (N, 10).

    Raises:
        ModelError: if Keras is on another backend than TensorFlow.
    """
    keras_on_tensorflow()
    inputs = x = keras.Input((*INPUT_SIZE, 3), dtype=dtype, name="scene")
    for i, channels in enumerate(CHANNELS, start=1):
        convolution = layers.Conv2D(
            channels, 3, padding="same", use_bias=False, kernel_initializer="zeros", dtype=dtype, name=f"conv{i}"
        )
        normalisation = layers.BatchNormalization(epsilon=1e-5, dtype=dtype, name=f"bn{i}")
        x = layers.ReLU(dtype=dtype, name=f"relu{i}")(normalisation(convolution(x)))
        if i in POOLED:
            x = layers.MaxPooling2D(2, dtype=dtype, name=f"pool{i}")(x)
    x = layers.MaxPooling2D(INPUT_SIZE[0] // 4, dtype=dtype, name="pool3")(x)  # (N, 1, 1, 64)
    x = layers.Flatten(dtype=dtype, name="flatten")(x)
    answers = layers.Dense(10, kernel_initializer="zeros", dtype=dtype, name="fc1")(x)
    return keras.Model(inputs, answers, name="DemoNet")

"""Build networks of keras.applications with random weights."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tests.zoo.network import CLASSES, Network, Size


def build(network: Network, size: Size) -> Any:
    """Build a network of keras.applications in 64 bits."""
    import keras

    keras.backend.clear_session()
    before = keras.config.floatx()
    keras.utils.set_random_seed(0)
    keras.config.set_floatx("float64")
    try:
        builder = getattr(keras.applications, network.name)
        return builder(weights=None, input_shape=(*size, 3), classes=CLASSES, classifier_activation=None, **network.options)
    finally:
        keras.config.set_floatx(before)


def run(model: Any, pictures: npt.NDArray[np.float64]) -> None:
    """Run a network on pictures (N, height, width, 3)."""
    model(pictures, training=False)


def normalize(model: Any, pictures: npt.NDArray[np.float64]) -> None:
    """Set the statistics of batch normalization to those of some pictures; behind others, random weights vanish or explode."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(pictures, training=True)

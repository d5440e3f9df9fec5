"""The networks of ``keras.applications``."""

import sys
from functools import partial
from pathlib import Path
from typing import Any

from saliency.core.errors import InputError
from saliency.nets.keras_backend import keras_on_tensorflow
from saliency.nets.keras_names import channel_counts, counted_anew
from saliency.nets.network import Network
from saliency.nets.preparation import by_function
from saliency.nets.timeouts import patience
from saliency.nets.weights_keras import load_own_weights
from saliency.tf.eager.layers import layers_of

SIDE = 224  # pixels, of a network that takes any size


def load(name: str, weights: str | Path | None) -> Network:
    """Return one of the networks.

    Args:
        name: Keras's name of it.
        weights: a file that Keras wrote, or None for its cache, and its download into it.

    Raises:
        InputError: if the weights are missing or do not fit.
        ModelError: if Keras is on another backend than TensorFlow.
    """
    builder = getattr(keras_on_tensorflow().applications, name)
    if weights is None:
        model = _pretrained(name, builder)
    else:
        model = builder(weights=None)
        load_own_weights(model, weights)
    size = input_size(model)
    paths = counted_anew(layers_of(model))
    channels = channel_counts(model, paths)
    preprocess = partial(by_function, size=size, function=preprocessing(builder))
    return Network(name, model, size, paths=paths, channel_axis=-1, preprocess=preprocess, channels=channels)


def preprocessing(builder: Any) -> Any:
    """Return the ``preprocess_input`` of a network's own module, for pixels with the colours last."""
    return partial(sys.modules[builder.__module__].preprocess_input, data_format="channels_last")


def input_size(model: Any) -> tuple[int, int]:
    """Return (height, width) of a model's input of colours last, in pixels."""
    rows, columns = model.input_shape[1:3]
    return rows or SIDE, columns or SIDE


def _pretrained(name: str, builder: Any) -> Any:
    try:
        with patience():
            return builder(weights="imagenet")
    except Exception as error:  # Keras raises no less
        raise InputError(
            f"`net` (={name!r}) needs `weights`, a file that Keras wrote; there is none in its cache (~/.keras/models), and "
            f"its download fails: {str(error).partition(chr(10))[0]}"
        ) from error

"""Load the networks of ``keras.applications``."""

import sys
from functools import partial
from pathlib import Path
from typing import Any

from saliency.core.errors import InputError
from saliency.core.keras.layers import layers_of
from saliency.nets.connection_timeout import connection_timeout
from saliency.nets.file_rules import FileRules
from saliency.nets.keras_backend import import_keras
from saliency.nets.keras_names import channel_counts, renumber_layers
from saliency.nets.keras_weights import load_keras_weights
from saliency.nets.network import Network
from saliency.nets.preparation import resize_and_apply

DEFAULT_SIDE = 224  # pixels, for a network that accepts any size


def load(name: str, weights: str | Path | None, rules: FileRules) -> Network:
    """Load a network of ``keras.applications``.

    Args:
        name: Keras's name of the network.
        weights: a weights file written by Keras; None for Keras's cache, into which it downloads missing weights.
        rules: rules for reading the file.

    Raises:
        InputError: if the weights are missing or do not match.
        ModelError: if Keras uses another backend than TensorFlow.
    """
    builder = getattr(import_keras().applications, name)
    if weights is None:
        model = _pretrained(name, builder)
    else:
        model = builder(weights=None)
        load_keras_weights(model, weights, rules)
    size = input_size(model)
    paths = renumber_layers(layers_of(model))
    channels = channel_counts(model, paths)
    preprocess = partial(resize_and_apply, size=size, function=preprocessing_function(builder))
    return Network(name, model, size, paths=paths, channel_axis=-1, preprocess=preprocess, channels=channels)


def preprocessing_function(builder: Any) -> Any:
    """Return the ``preprocess_input`` of a network's module, for pixels with channels last."""
    return partial(sys.modules[builder.__module__].preprocess_input, data_format="channels_last")


def input_size(model: Any) -> tuple[int, int]:
    """Return (height, width) in pixels of the input of a channels-last model."""
    rows, columns = model.input_shape[1:3]
    return rows or DEFAULT_SIDE, columns or DEFAULT_SIDE


def _pretrained(name: str, builder: Any) -> Any:
    try:
        with connection_timeout():
            return builder(weights="imagenet")
    except Exception as error:  # Keras raises a bare Exception
        raise InputError(
            f"`net` (={name!r}) needs `weights`, a file written by Keras; there is none in its cache (~/.keras/models), "
            f"and its download fails: {str(error).partition(chr(10))[0]}"
        ) from error

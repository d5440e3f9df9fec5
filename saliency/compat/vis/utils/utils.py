"""What keras-vis has in ``vis.utils.utils``, as far as it is served here."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.compat.vis.network import Network
from saliency.core.errors import InputError, TargetError
from saliency.core.gradient_modifiers import EPSILON


def find_layer_idx(model: Any, layer_name: str) -> int | str:
    """Return what stands for a layer in ``layer_idx``.

    Args:
        model: of any kind that has layers.
        layer_name: a layer's name.

    Returns:
        Its place in a Keras model's ``layers``; elsewhere, and for a layer in another one, its name.

    Raises:
        TargetError: if the model has no such layer.
    """
    network = Network(model)
    for place, layer in enumerate(network.layers):
        if layer.name == layer_name:
            return place
    if network.keras:
        from saliency.tf.eager.layers import path_of

        return path_of(network.model, layer_name, "layer_name")
    named = (
        dict(network.model.named_modules()) if network.model is not None and hasattr(network.model, "named_modules") else {}
    )
    if layer_name not in named:
        raise TargetError(f"`layer_name` (={layer_name!r}) must be one of the model's {len(named)} layers")
    return layer_name


def apply_modifications(model: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:  # noqa: ARG001 - keras-vis's
    """Make a model work as its layers now say, such as with another activation, and return it.

    Today's Keras asks its layers at every call, so there is no copy to be made, and the model itself is returned. What it had
    compiled for ``predict``, ``evaluate`` and ``fit`` is dropped, and built anew when it is needed.

    Args:
        model: of any kind; for one that is no Keras model there is nothing to do.
        custom_objects: of no meaning here, as nothing is saved and loaded.
    """
    keras = Network(model).keras
    for name in ("predict_function", "test_function", "train_function"):
        if keras and getattr(model, name, None) is not None:
            setattr(model, name, None)
    return model


def normalize(array: Any, min_value: float = 0.0, max_value: float = 1.0) -> npt.NDArray[Any]:
    """Return numbers between two values: the least becomes the first, the greatest, almost, the second."""
    numbers = np.asarray(array)
    low, high = np.min(numbers), np.max(numbers)
    scaled: npt.NDArray[Any] = (max_value - min_value) * ((numbers - low) / (high - low + EPSILON)) + min_value
    return scaled


def overlay(array1: Any, array2: Any, alpha: float = 0.5) -> npt.NDArray[Any]:
    """Return ``array1 * alpha + array2 * (1 - alpha)``, in the type of the first.

    Raises:
        InputError: if the shapes differ, or ``alpha`` is not between 0 and 1.
    """
    one, other = np.asarray(array1), np.asarray(array2)
    if not 0 <= alpha <= 1:
        raise InputError(f"`alpha` (={alpha!r}) must be between 0 and 1")
    if one.shape != other.shape:
        raise InputError(f"`array1` {one.shape} must have the shape of `array2` {other.shape}")
    return (one * alpha + other * (1 - alpha)).astype(one.dtype)


def get_num_filters(layer: Any) -> int:
    """Return how many filters a layer has: the channels of its output, or its units.

    Raises:
        InputError: if it does not say.
    """
    for name in ("filters", "units", "out_channels", "out_features", "num_features"):
        if isinstance(found := getattr(layer, name, None), int):
            return found
    try:
        shape = layer.output.shape
    except AttributeError as error:
        raise InputError(f"`layer` ({type(layer).__name__}) does not say how many filters it has: {error}") from error
    first = getattr(layer, "data_format", None) == "channels_first" and len(shape) > 2
    return int(shape[1 if first else -1])

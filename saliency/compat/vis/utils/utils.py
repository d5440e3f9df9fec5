"""The supported part of keras-vis's ``vis.utils.utils``."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.compat.vis.network import Network
from saliency.core.errors import InputError, TargetError
from saliency.core.gradient_modifiers import EPSILON
from saliency.core.validation import host_numbers, real_number, shown

LARGEST = 1e150
"""The largest magnitude of numbers, so that no product overflows."""


def find_layer_idx(model: Any, layer_name: str) -> int | str:
    """Return the ``layer_idx`` of a named layer.

    Args:
        model: a Keras model or a Torch module.
        layer_name: the layer's name.

    Returns:
        The index in a Keras model's ``layers``. For a nested layer the path, and for a Torch module the name.

    Raises:
        TargetError: if the model has no such layer.
    """
    if not isinstance(layer_name, str):
        raise TargetError(f"`layer_name` (={shown(layer_name)}) must be the name of a layer")
    network = Network(model)
    for index, layer in enumerate(network.layers):
        if layer.name == layer_name:
            return index
    if network.keras:
        from saliency.tf.eager.layers import path_of

        return path_of(network.model, layer_name, "layer_name")
    named = (
        dict(network.model.named_modules()) if network.model is not None and hasattr(network.model, "named_modules") else {}
    )
    if layer_name not in named:
        raise TargetError(f"`layer_name` (={shown(layer_name)}) must be one of the model's {len(named)} layers")
    return layer_name


def apply_modifications(model: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:  # noqa: ARG001 - keras-vis's
    """Apply changes of layers' attributes, such as another activation, to a model, and return the model.

    Current Keras versions read these attributes at every call, so the model itself is returned, not a copy. Only the compiled
    functions of ``predict``, ``evaluate`` and ``fit`` are reset; Keras builds them again when they are next needed.

    Args:
        model: any model; one that is not a Keras model is returned unchanged.
        custom_objects: ignored, since the model is not saved and loaded.
    """
    keras = Network(model).keras
    for name in ("predict_function", "test_function", "train_function"):
        if keras and getattr(model, name, None) is not None:
            setattr(model, name, None)
    return model


def normalize(array: Any, min_value: float = 0.0, max_value: float = 1.0) -> npt.NDArray[Any]:
    """Scale an array linearly so that its minimum becomes ``min_value`` and its maximum (up to 1e-7) ``max_value``.

    Raises:
        InputError: if one of them is not a finite number of the array's type, or the array is empty.
    """
    numbers = _floats(array, "array")
    limit = min(LARGEST, float(np.finfo(numbers.dtype).max))
    least, most = (real_number(*one, -limit, limit) for one in (("min_value", min_value), ("max_value", max_value)))
    wide = numbers.astype(np.float64)  # in which no difference of shorter numbers overflows
    low, high = np.min(wide), np.max(wide)
    scaled: npt.NDArray[Any] = (most - least) * ((wide - low) / (high - low + EPSILON)) + least
    return scaled.astype(numbers.dtype)


def overlay(array1: Any, array2: Any, alpha: float = 0.5) -> npt.NDArray[Any]:
    """Return ``array1 * alpha + array2 * (1 - alpha)`` in the dtype of ``array1``.

    Raises:
        InputError: if the shapes differ, an array holds anything but finite numbers, ``alpha`` is not between 0 and 1, or the
            dtype is too small for the result.
    """
    one, other = (host_numbers(*pair, None, LARGEST) for pair in ((array1, "array1"), (array2, "array2")))
    alpha = real_number("alpha", alpha, 0, 1)
    if one.shape != other.shape:
        raise InputError(f"`array1` {one.shape} must have the shape of `array2` {other.shape}")
    mixed = one * alpha + other * (1 - alpha)
    if one.dtype.kind in "iu" and mixed.size and not _fits(mixed, np.iinfo(one.dtype)):
        raise InputError(f"the overlay (from {mixed.min():g} to {mixed.max():g}) must fit into `array1`'s dtype, {one.dtype}")
    return mixed.astype(one.dtype)


def _fits(numbers: npt.NDArray[Any], limits: np.iinfo[Any]) -> bool:
    return bool(float(limits.min) - 1 < numbers.min() and numbers.max() < float(limits.max) + 1)


def _floats(array: Any, name: str) -> npt.NDArray[Any]:
    """Return numbers as floating-point numbers, in which their range does not overflow."""
    numbers = host_numbers(array, name, None, LARGEST)
    return numbers if numbers.dtype.kind == "f" else numbers.astype(np.float64)


def get_num_filters(layer: Any) -> int:
    """Return a layer's number of filters: the channels or units of its output.

    Raises:
        InputError: if the layer has neither such an attribute nor a symbolic output.
    """
    for name in ("filters", "units", "out_channels", "out_features", "num_features"):
        if isinstance(found := getattr(layer, name, None), int):
            return found
    try:
        shape = layer.output.shape
    except AttributeError as error:
        raise InputError(
            f"`layer` ({type(layer).__name__}) does not define its number of filters; call the model once to build it: {error}"
        ) from error
    first = getattr(layer, "data_format", None) == "channels_first" and len(shape) > 2
    return int(shape[1 if first else -1])

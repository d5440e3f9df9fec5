"""Load weights from a file into a Keras model: a Torch state dict with the same layer names, or a file written by Keras."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file

from saliency.core.errors import InputError
from saliency.nets.file_rules import DEFAULT_RULES, FileRules
from saliency.nets.hdf5_weights import safe_to_read
from saliency.nets.weights_check import check_file, check_weights_match, shapes_of

TORCH_NAMES = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "bias": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
"""Keras's name of a layer's weight -> Torch's name."""

OWN_NAMES = {"class_token", "positions"}
"""Weights that have the same name in Torch, where they belong to the model itself."""

KERAS_AXES = {4: (2, 3, 1, 0), 3: (0, 1, 2), 2: (1, 0), 1: (0,)}
"""Number of axes -> permutation of Torch's axes to Keras's order.

Convolutions: (out, in, rows, columns) -> (rows, columns, in, out). Dense layers: (out, in) -> (in, out).
"""


def load_weights(model: Any, file: str | Path, rules: FileRules = DEFAULT_RULES) -> None:
    """Load the weights of a Torch model into a Keras model of convolutions, normalizations and dense layers.

    Args:
        model: changed in place; it keeps its floating-point type.
        file: safetensors with the names and axes of a Torch ``state_dict``.
        rules: the largest size of the file.

    Raises:
        InputError: if the file is missing, is not safetensors, or does not match the model in names or shapes.
    """
    model_weights = {_torch_name(layer, weight): weight for layer in model.layers for weight in layer.weights}
    tensors = _read(Path(file), rules).items()
    state = {name: _to_keras_axes(tensor) for name, tensor in tensors if not name.endswith("num_batches_tracked")}
    check_weights_match(file, shapes_of(state), shapes_of(model_weights), model.name)
    for name, weight in model_weights.items():
        weight.assign(state[name])


def _torch_name(layer: Any, weight: Any) -> str:
    return str(weight.name) if weight.name in OWN_NAMES else f"{layer.name}.{TORCH_NAMES[weight.name]}"


def load_keras_weights(model: Any, file: str | Path, rules: FileRules = DEFAULT_RULES) -> None:
    """Load weights written by Keras into a Keras model; only numbers are read from the file.

    Args:
        model: changed in place.
        file: .weights.h5, .h5 or .keras of the same network.
        rules: the largest size of the file, and the time limit for reading HDF5.

    Raises:
        InputError: if the file is missing or too large, has another format, is not read in time, or does not match.
    """
    check_file(Path(file))
    rules.check_size("weights", Path(file))
    try:
        with safe_to_read("weights", Path(file), rules) as safe:
            model.load_weights(safe)
    except InputError:
        raise
    except Exception as error:  # HDF5, zip files and shapes raise different types
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"`weights` ({file}) must be .weights.h5, .h5 or .keras of {model.name}: {reason}") from error


def _read(file: Path, rules: FileRules) -> Mapping[str, npt.NDArray[Any]]:
    check_file(file)
    rules.check_size("weights", file)
    try:
        state: dict[str, npt.NDArray[Any]] = load_file(file)
    except (SafetensorError, KeyError, TypeError) as error:
        raise InputError(
            f"`weights` ({file}) must be safetensors of a type that NumPy supports (a Keras model cannot load a pickled Torch "
            f"state dict); this file is not, or is damaged ({type(error).__name__})"
        ) from error
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def _to_keras_axes(tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.transpose(tensor, KERAS_AXES.get(tensor.ndim))

"""Weights from a file into a Keras model: those that Torch trained, where the layers have the same names, and Keras's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file

from saliency.core.errors import InputError
from saliency.nets.weights_match import check_file, check_fit

NAMES = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "bias": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
"""Keras's names of a layer's weights -> Torch's."""

AXES = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}
"""Axes of Torch's weights in Keras's order: (out, in, rows, columns) -> (rows, columns, in, out), (out, in) -> (in, out)."""


def load_weights(model: Any, file: str | Path) -> None:
    """Fill a Keras model of convolutions, batch normalisations and dense layers with the weights of a file.

    Args:
        model: changed in place; its own floating type is kept.
        file: safetensors, as Torch's ``state_dict`` has them.

    Raises:
        InputError: if the file is missing, is no safetensors, or its names or shapes are not the model's.
    """
    own = {f"{layer.name}.{NAMES[weight.name]}": weight for layer in model.layers for weight in layer.weights}
    state = {name: _turned(tensor) for name, tensor in _read(Path(file)).items() if not name.endswith("num_batches_tracked")}
    check_fit(file, _shapes(state), _shapes(own), model.name)
    for name, weight in own.items():
        weight.assign(state[name])


def load_own_weights(model: Any, file: str | Path, trust: bool = False) -> None:  # noqa: ARG001 - as for Torch
    """Fill a Keras model with weights that Keras wrote, of which nothing but numbers is read.

    Args:
        model: changed in place.
        file: .weights.h5, .h5 or .keras of the same network.
        trust: not needed.

    Raises:
        InputError: if the file is missing, is none of these, or does not fit.
    """
    check_file(Path(file))
    try:
        model.load_weights(file)
    except Exception as error:  # HDF5, zip files, shapes: each has its own
        told = " ".join(str(error).split())[:200]
        raise InputError(f"`weights` ({file}) must be .weights.h5, .h5 or .keras of {model.name}: {told}") from error


def _read(file: Path) -> Mapping[str, npt.NDArray[Any]]:
    check_file(file)
    try:
        state: dict[str, npt.NDArray[Any]] = load_file(file)
    except (SafetensorError, KeyError, TypeError) as error:
        raise InputError(
            f"`weights` ({file}) must be safetensors of a type that NumPy has: a Keras model takes no Torch state dict; this "
            f"file is none, or is damaged ({type(error).__name__})"
        ) from error
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def _turned(tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.transpose(tensor, AXES.get(tensor.ndim))


def _shapes(weights: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(weight.shape) for name, weight in weights.items()}

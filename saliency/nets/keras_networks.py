"""Networks in Keras, on TensorFlow: the embedded ones, by name, from files and from functions."""

import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from saliency.core.errors import InputError
from saliency.nets import keras_applications
from saliency.nets.demo_net_keras import build
from saliency.nets.keras_backend import keras_on_tensorflow
from saliency.nets.keras_names import channel_counts
from saliency.nets.network import Network
from saliency.nets.preparation import MEAN, STD, Float32, by_function
from saliency.nets.user_networks import Habits
from saliency.nets.weights_keras import load_own_weights, load_weights
from saliency.tf.eager.layers import layers_of

CHANNEL_AXIS = -1

fill: Callable[..., None] = load_own_weights


def demo_net(weights: str | Path, trust: bool = False) -> Any:  # noqa: ARG001 - as for Torch, which has files that need it
    """Return DemoNet with the weights of a file."""
    model = build()
    load_weights(model, weights)
    return model


def untrained(seed: int) -> Any:
    """Return DemoNet with random weights from the distributions that Torch draws its own from."""
    model, random = build(), np.random.default_rng(seed)
    for layer in model.layers:
        for weight in (getattr(layer, name, None) for name in ("kernel", "bias")):
            if weight is not None:
                bound = float(np.prod(layer.kernel.shape[:-1])) ** -0.5  # by the number of a unit's inputs
                weight.assign(random.uniform(-bound, bound, weight.shape))
    return model


def named(model: Any) -> tuple[dict[str, str], dict[str, int]]:
    """Return name -> path for every layer, and name -> number of channels where a layer has one output."""
    paths = {path: path for path in layers_of(model)}
    return paths, channel_counts(model, paths)


def other(name: str, weights: str | Path | None, trust: bool) -> Network:  # noqa: ARG001 - as for Torch
    """Return one of ``keras.applications``; see ``registry.load``."""
    return keras_applications.load(name, weights)


def opened(file: Path, trust: bool) -> Any:
    """Return the model in a file that Keras wrote.

    Args:
        file: .keras, or a whole model in .h5.
        trust: that its code may run (``Lambda`` layers, and all of .h5).

    Raises:
        InputError: if it is missing, damaged, or would run code.
        ModelError: if Keras is on another backend than TensorFlow.
    """
    keras = keras_on_tensorflow()
    if file.suffix != ".keras" and not trust:
        raise InputError(
            f"`net` ({file}) can run code when it is loaded: give `trust` if you know where it is from, or a .keras"
        )
    if file.suffix == ".keras" and not zipfile.is_zipfile(file):
        raise InputError(f"`net` ({file}) is damaged, or no file of Keras's")
    try:
        return keras.saving.load_model(file, compile=False, safe_mode=not trust)
    except Exception as error:  # zip files, JSON, HDF5, layers: each has its own
        unless = "" if trust else "; if it has Lambda layers, they are code of the file's, which runs only with `trust`"
        told = str(error).partition("\n")[0]
        raise InputError(f"`net` ({file}) cannot be loaded: {type(error).__name__}: {told}{unless}") from error


def own(name: str, model: Any, habits: Habits) -> Network:
    """Return a user's model with its habits.

    Without any, its pictures are prepared as most networks' are, or, where it scales them itself, not at all.

    Raises:
        InputError: if it takes no pictures, or ``layer2loc`` leads to no layer.
    """
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or 3 not in (shape[1], shape[3]):
        raise InputError(f"`net` (={name!r}) must take pictures, (N, height, width, 3) or (N, 3, height, width), not {shape}")
    axis = -1 if shape[3] == 3 else 0
    rows, columns = shape[1:3] if axis else shape[2:4]
    layers = layers_of(model)
    named = {layer: path if isinstance(path, str) else "/".join(path) for layer, path in (habits.layers or {}).items()}
    for layer, path in named.items():
        if path not in layers:
            raise InputError(f"`net` (={name!r}): its `layer2loc` has {layer} at {path}, where the model has no layer")
    paths = {path: path for path in layers} | named
    size = habits.size or (rows or 224, columns or 224)
    preprocess, guessed = habits.preprocess, habits.size is None and habits.preprocess is None and not _scales(model)
    if preprocess is None and _scales(model):
        preprocess = partial(by_function, size=size, function=_as_it_is, channel_axis=axis)
    channels = channel_counts(model, paths) if axis else {}
    shown: dict[str, Any] = {"size": size, "mean": MEAN, "std": STD, "preprocess": preprocess, "guessed": guessed}
    return Network(name, model, paths=paths, channel_axis=axis, channels=channels, named=tuple(named), **shown)


def _scales(model: Any) -> bool:
    return any(type(layer).__name__ in ("Rescaling", "Normalization") for layer in model.layers)


def _as_it_is(pixels: Float32) -> Float32:
    return pixels

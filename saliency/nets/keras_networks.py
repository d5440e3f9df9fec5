"""Load networks in Keras: the bundled ones, those of ``keras.applications``, model files and user-defined networks."""

import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from saliency.core.errors import InputError
from saliency.core.keras.layers import layers_of
from saliency.nets import keras_applications
from saliency.nets.demo_net_keras import build_demo_net
from saliency.nets.demo_vit_keras import build_demo_vit
from saliency.nets.file_rules import DEFAULT_RULES, FileRules
from saliency.nets.hdf5_weights import safe_to_read
from saliency.nets.keras_backend import import_keras
from saliency.nets.keras_names import channel_counts
from saliency.nets.keras_weights import load_keras_weights, load_weights
from saliency.nets.network import Network
from saliency.nets.preparation import MEAN, STD, Float32, resize_and_apply
from saliency.nets.user_networks import NetworkAttributes

CHANNEL_AXIS = -1
DEFAULT_SIDE = 224  # pixels, for a model that accepts any size

fill_weights: Callable[..., None] = load_keras_weights


def demo_net(weights: str | Path, rules: FileRules = DEFAULT_RULES) -> Any:
    """Build DemoNet with the weights of a file."""
    model = build_demo_net()
    load_weights(model, weights, rules)
    return model


def demo_vit(weights: str | Path, rules: FileRules = DEFAULT_RULES) -> Any:
    """Build DemoViT with the weights of a file."""
    model = build_demo_vit()
    load_weights(model, weights, rules)
    return model


def untrained(seed: int, name: str) -> Any:
    """Build DemoNet or DemoViT with random weights from the same distributions as Torch's initial weights."""
    model, random = (build_demo_vit if name == "DemoViT" else build_demo_net)(), np.random.default_rng(seed)
    for layer in model.layers:
        for weight in (getattr(layer, name, None) for name in ("kernel", "bias")):
            if weight is not None:
                bound = float(np.prod(layer.kernel.shape[:-1])) ** -0.5  # 1 / sqrt(inputs of a unit)
                weight.assign(random.uniform(-bound, bound, weight.shape))
    return model


def describe_layers(model: Any) -> tuple[dict[str, str], dict[str, int]]:
    """Return name -> path for every layer, and name -> number of channels for each layer with one output."""
    paths = {path: path for path in layers_of(model)}
    return paths, channel_counts(model, paths)


def load_by_name(name: str, weights: str | Path | None, rules: FileRules) -> Network:
    """Load a network of ``keras.applications``; see ``registry.load``."""
    return keras_applications.load(name, weights, rules)


def open_model_file(file: Path, rules: FileRules) -> Any:
    """Load a whole model from a file written by Keras.

    Args:
        file: .keras, or a whole model in .h5.
        rules: whether code in the file may run, which ``Lambda`` layers and all .h5 files need; and the limits for reading it.

    Raises:
        InputError: if the file is damaged, too large or cannot be loaded, or needs ``trust``.
        ModelError: if Keras uses another backend than TensorFlow.
    """
    keras = import_keras()
    if file.suffix != ".keras" and not rules.trust:
        raise InputError(
            f"`net` ({file}) can run code when it is loaded: set `trust` only if you trust its source, or use a .keras file"
        )
    if file.suffix == ".keras" and not zipfile.is_zipfile(file):
        raise InputError(f"`net` ({file}) is damaged or not a .keras file")
    rules.check_size("net", file)
    try:
        with safe_to_read("net", file, rules) as safe:
            return keras.saving.load_model(safe, compile=False, safe_mode=not rules.trust)
    except InputError:
        raise
    except Exception as error:  # zip files, JSON, HDF5 and layers raise different types
        hint = "" if rules.trust else "; Lambda layers contain code, which runs only with `trust`"
        reason = str(error).partition("\n")[0]
        raise InputError(f"`net` ({file}) cannot be loaded: {type(error).__name__}: {reason}{hint}") from error


def make_user_network(name: str, model: Any, attributes: NetworkAttributes) -> Network:
    """Describe a user's model as a network.

    Args:
        name: the name of the network.
        model: the user's model.
        attributes: its layer names and preprocessing. By default, pictures are resized to the model's input and normalized
            with ImageNet's mean and deviation, or not normalized if the model has a ``Rescaling`` or ``Normalization`` layer.

    Raises:
        InputError: if the input of the model is not a picture, or a path in ``layer2loc`` is not a layer.
    """
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or 3 not in (shape[1], shape[3]):
        rule = "must take pictures, (N, height, width, 3) or (N, 3, height, width)"
        raise InputError(f"`net` (={name!r}) {rule}; its input shape is {shape}")
    axis = -1 if shape[3] == 3 else 0
    rows, columns = shape[1:3] if axis else shape[2:4]
    layers = layers_of(model)
    named = _check_layer2loc(name, attributes.layers or {}, layers)
    paths = {path: path for path in layers} | named
    size = attributes.size or (rows or DEFAULT_SIDE, columns or DEFAULT_SIDE)
    preprocess, normalizes = attributes.preprocess, _has_normalization(model)
    guessed = attributes.size is None and preprocess is None and not normalizes
    if preprocess is None and normalizes:
        preprocess = partial(resize_and_apply, size=size, function=_unchanged, channel_axis=axis)
    channels = channel_counts(model, paths) if axis else {}
    preparation: dict[str, Any] = {"size": size, "mean": MEAN, "std": STD, "preprocess": preprocess, "guessed": guessed}
    return Network(name, model, paths=paths, channel_axis=axis, channels=channels, named=tuple(named), **preparation)


def _check_layer2loc(name: str, layer2loc: Mapping[str, Any], layers: Mapping[str, Any]) -> dict[str, str]:
    """Return name -> path of the layers in ``layer2loc``, all of which must be in the model."""
    paths = {layer: path if isinstance(path, str) else "/".join(path) for layer, path in layer2loc.items()}
    for layer, path in paths.items():
        if path not in layers:
            raise InputError(f"`net` (={name!r}): its `layer2loc` has {layer} at {path}, but the model has no such layer")
    return paths


def _has_normalization(model: Any) -> bool:
    return any(type(layer).__name__ in ("Rescaling", "Normalization") for layer in model.layers)


def _unchanged(pixels: Float32) -> Float32:
    return pixels

"""Networks in Torch: the embedded ones, by name, from files and from functions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from saliency.core.errors import InputError
from saliency.nets import torchvision_networks
from saliency.nets.demo_net import DemoNet
from saliency.nets.layer_names import channel_counts, dnnbrain_layers, layer_paths
from saliency.nets.network import Network
from saliency.nets.preparation import MEAN, STD
from saliency.nets.user_networks import Habits
from saliency.nets.weights import load_weights

CHANNEL_AXIS = 0
SIZE = (224, 224)  # rows, columns, of a model that does not say

other = torchvision_networks.load
unfilled = torchvision_networks.unfilled
fill = load_weights


def demo_net(weights: str | Path, trust: bool = False) -> DemoNet:
    """Return DemoNet with the weights of a file."""
    with torch.random.fork_rng([]):
        model = DemoNet()
    load_weights(model, weights, trust)
    return model.eval()


def untrained(seed: int) -> DemoNet:
    """Return DemoNet with Torch's random weights."""
    with torch.random.fork_rng([]):
        torch.default_generator.manual_seed(seed)
        return DemoNet()


def named(model: torch.nn.Module) -> tuple[dict[str, str], dict[str, int]]:
    """Return name -> path for every layer, and name -> number of channels where a layer tells it."""
    paths = layer_paths(model)
    return paths, channel_counts(model, paths)


def opened(file: Path, trust: bool) -> Any:
    """Return the model in a file.

    Args:
        file: a pickled module or an exported program.
        trust: that its code may run; without, it is not opened.

    Raises:
        InputError: if it may not be opened, or holds no model.
    """
    if not trust:
        raise InputError(
            f"`net` ({file}) holds a model, whose loading can run any code that is in the file: give `trust` if you know "
            "where it is from; if it holds weights alone, give the network's name, and this file as `weights`"
        )
    try:
        if file.suffix == ".pt2":
            return torch.export.load(file).module()
        model = torch.load(file, map_location="cpu", weights_only=False)
    except Exception as error:  # whatever the file's code raises
        raise InputError(
            f"`net` ({file}) cannot be loaded: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
        ) from error
    if not isinstance(model, torch.nn.Module):
        raise InputError(f"`net` ({file}) must hold a module; it holds a {type(model).__name__}: give it as `weights`")
    return model


def own(name: str, model: torch.nn.Module, habits: Habits) -> Network:
    """Return a user's module with its habits; without any, its pictures are prepared as most networks' are.

    Raises:
        InputError: if ``layer2loc`` leads to no module.
    """
    paths = layer_paths(model, habits.layers)
    _check(name, paths, habits.layers or {}, model)
    if not isinstance(model, torch.fx.GraphModule):  # an exported program has no modes
        model.eval()
    channels = channel_counts(model, paths)
    named = tuple(dnnbrain_layers(model) if habits.layers is None else habits.layers)
    shown: dict[str, Any] = {"size": habits.size or SIZE, "mean": MEAN, "std": STD, "preprocess": habits.preprocess}
    shown["guessed"] = habits.size is None and habits.preprocess is None
    return Network(name, model, paths=paths, channel_axis=CHANNEL_AXIS, channels=channels, named=named, **shown)


def _check(name: str, paths: Mapping[str, str], named: Mapping[str, Any], model: torch.nn.Module) -> None:
    there = {path for path, _ in model.named_modules()}
    for layer in named:
        if paths[layer] not in there:
            raise InputError(
                f"`net` (={name!r}): its `layer2loc` has {layer} at {paths[layer]}, where the model has no module"
            )

"""Load networks in Torch: the bundled ones, torchvision's and DNNBrain's, model files and user-defined networks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from saliency.core.errors import InputError
from saliency.nets import torchvision_networks
from saliency.nets.demo_net import DemoNet
from saliency.nets.demo_vit import DemoViT
from saliency.nets.file_rules import DEFAULT_RULES, FileRules
from saliency.nets.layer_names import channel_counts, dnnbrain_layers, layer_paths
from saliency.nets.network import Network
from saliency.nets.preparation import MEAN, STD
from saliency.nets.torch_weights import load_weights
from saliency.nets.user_networks import NetworkAttributes

CHANNEL_AXIS = 0
SIZE = (224, 224)  # rows, columns, for a model that does not specify its input size

load_by_name = torchvision_networks.load
unfilled = torchvision_networks.unfilled
fill_weights = load_weights


def demo_net(weights: str | Path, rules: FileRules = DEFAULT_RULES) -> DemoNet:
    """Build DemoNet with the weights of a file, in eval mode."""
    with torch.random.fork_rng([]):
        model = DemoNet()
    load_weights(model, weights, rules)
    return model.eval()


def demo_vit(weights: str | Path, rules: FileRules = DEFAULT_RULES) -> DemoViT:
    """Build DemoViT with the weights of a file, in eval mode."""
    with torch.random.fork_rng([]):
        model = DemoViT()
    load_weights(model, weights, rules)
    return model.eval()


def untrained(seed: int, name: str) -> torch.nn.Module:
    """Build DemoNet or DemoViT with Torch's random initial weights."""
    with torch.random.fork_rng([]):
        torch.default_generator.manual_seed(seed)
        return DemoViT() if name == "DemoViT" else DemoNet()


def describe_layers(model: torch.nn.Module) -> tuple[dict[str, str], dict[str, int]]:
    """Return name -> path for every layer, and name -> number of channels for each layer where it is known."""
    paths = layer_paths(model)
    return paths, channel_counts(model, paths)


def open_model_file(file: Path, rules: FileRules) -> Any:
    """Load a whole model from a file.

    Args:
        file: a pickled module or an exported program.
        rules: whether code in the file may run, or else it is not opened; and its largest size.

    Raises:
        InputError: if the file is not trusted or too large, cannot be loaded or does not contain a model.
    """
    if not rules.trust:
        raise InputError(
            f"`net` ({file}) contains a model, and loading it can run any code in the file: set `trust` only if you trust its "
            "source. If it contains only weights, give the network's name as `net` and this file as `weights`"
        )
    rules.check_size("net", file)
    try:
        if file.suffix == ".pt2":
            return torch.export.load(file).module()
        model = torch.load(file, map_location="cpu", weights_only=False)
    except Exception as error:  # code in the file can raise anything
        raise InputError(
            f"`net` ({file}) cannot be loaded: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
        ) from error
    if not isinstance(model, torch.nn.Module):
        content = type(model).__name__
        raise InputError(
            f"`net` ({file}) must contain a module; it contains {content}. If it contains weights, give it as `weights`"
        )
    return model


def make_user_network(name: str, model: torch.nn.Module, attributes: NetworkAttributes) -> Network:
    """Describe a user's module as a network and set it to eval mode.

    Args:
        name: the name of the network.
        model: the user's module.
        attributes: its layer names and preprocessing; the defaults are 224 x 224 pixels with ImageNet's mean and deviation.

    Raises:
        InputError: if a path in ``layer2loc`` is not a module.
    """
    paths = layer_paths(model, attributes.layers)
    _check_layer2loc(name, paths, attributes.layers or {}, model)
    if not isinstance(model, torch.fx.GraphModule):  # an exported program has no eval mode
        model.eval()
    channels = channel_counts(model, paths)
    names = tuple(dnnbrain_layers(model) if attributes.layers is None else attributes.layers)
    preparation: dict[str, Any] = {"size": attributes.size or SIZE, "mean": MEAN, "std": STD}
    preparation["preprocess"] = attributes.preprocess
    preparation["guessed"] = attributes.size is None and attributes.preprocess is None
    return Network(name, model, paths=paths, channel_axis=CHANNEL_AXIS, channels=channels, named=names, **preparation)


def _check_layer2loc(name: str, paths: Mapping[str, str], layers: Mapping[str, Any], model: torch.nn.Module) -> None:
    modules = {path for path, _ in model.named_modules()}
    for layer in layers:
        if paths[layer] not in modules:
            problem = f"its `layer2loc` has {layer} at {paths[layer]}, but the model has no such module"
            raise InputError(f"`net` (={name!r}): {problem}")

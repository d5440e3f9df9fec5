"""The layers of Torch modules, by their paths and by the names that DNNBrain gives them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from torch import nn

Names = Iterable[tuple[str, str]]


def layer_paths(model: nn.Module, named: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return name -> path for every module of a network.

    Args:
        model: any module; each path in it is a name.
        named: further names -> paths, or tuples of their parts as in DNNBrain's ``layer2loc``; by default
            ``dnnbrain_layers``.
    """
    paths = {path: path for path, _ in model.named_modules() if path}
    further = dnnbrain_layers(model) if named is None else named
    return paths | {name: path if isinstance(path, str) else ".".join(map(str, path)) for name, path in further.items()}


def dnnbrain_layers(model: nn.Module) -> dict[str, str]:
    """Return DNNBrain's names -> paths, in its order; empty for a network that it does not have.

    Where all modules are called in the order in which they stand (AlexNet and the VGG networks), the convolutions and
    linear layers are counted from 1, and what follows one is named after it.
    """
    name: Callable[[nn.Module], Names] | None = NAMED.get(type(model).__name__)
    return dict(name(model)) if name else {}


def channel_counts(model: nn.Module, paths: Mapping[str, str]) -> dict[str, int]:
    """Return name -> number of channels or units, of the layers that tell: convolutions, linear layers, normalisations."""
    modules = dict(model.named_modules())
    kinds = ("out_channels", "out_features", "num_features")
    found = {
        name: next((getattr(modules[path], k) for k in kinds if hasattr(modules[path], k)), None)
        for name, path in paths.items()
    }
    return {name: number for name, number in found.items() if isinstance(number, int)}


def _counted(model: nn.Module) -> Iterator[tuple[str, str]]:
    last, counts = "", {"conv": 0, "fc": 0}
    for path, module in model.named_modules():
        kind = {nn.Conv2d: "conv", nn.Linear: "fc"}.get(type(module))
        follower = {nn.BatchNorm2d: "bn", nn.ReLU: "relu", nn.MaxPool2d: "maxpool"}.get(type(module))
        if kind:
            counts[kind] += 1
            last = f"{kind}{counts[kind]}"
            yield last, path
        elif follower and last:
            yield f"{last}_{follower}", path


def _bottlenecks(model: nn.Module) -> Iterator[tuple[str, str]]:
    for path, module in model.named_children():
        if isinstance(module, nn.Sequential):
            yield from ((f"{path}_{type(block).__name__.lower()}{i}", f"{path}.{i}") for i, block in enumerate(module))
        else:
            yield {"conv1": "conv", "bn1": "bn"}.get(path, path), path


def _googlenet(model: nn.Module) -> Iterator[tuple[str, str]]:
    return ((path, path) for path, _ in model.named_children() if path not in ("aux1", "aux2", "avgpool", "dropout"))


def _inception(model: nn.Module) -> Iterator[tuple[str, str]]:
    counts = {"Conv2d": 0, "Mixed": 0}
    for path, _ in model.named_children():
        kind = path.partition("_")[0]
        if kind in counts:
            counts[kind] += 1
            yield f"{'conv' if kind == 'Conv2d' else 'inception'}{counts[kind]}", path
        elif kind not in ("AuxLogits", "dropout"):
            yield path, path


def _vgg_face(model: nn.Module) -> Iterator[tuple[str, str]]:
    return ((path, path) for path, module in model.named_children() if not isinstance(module, nn.Dropout | nn.Flatten))


NAMED: Mapping[str, Callable[[nn.Module], Names]] = {
    "AlexNet": _counted,
    "VGG": _counted,
    "ResNet": _bottlenecks,
    "GoogLeNet": _googlenet,
    "Inception3": _inception,
    "VggFace": _vgg_face,
}
"""Class of a network -> what names its layers."""

"""Name the layers of Torch modules by their paths and by DNNBrain's names."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from torch import nn

NamePairs = Iterable[tuple[str, str]]


def layer_paths(model: nn.Module, extra_names: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return name -> path for every module of a network; each path is also a name.

    Args:
        model: any module.
        extra_names: further names -> paths, or tuples of path parts as in DNNBrain's ``layer2loc``; None for those of
            ``dnnbrain_layers``.
    """
    paths = {path: path for path, _ in model.named_modules() if path}
    extra = dnnbrain_layers(model) if extra_names is None else extra_names
    return paths | {name: path if isinstance(path, str) else ".".join(map(str, path)) for name, path in extra.items()}


def dnnbrain_layers(model: nn.Module) -> dict[str, str]:
    """Return DNNBrain's layer names -> paths, in DNNBrain's order; empty for a network that DNNBrain does not have.

    In sequential networks (AlexNet and the VGG networks), convolutions and linear layers are counted from 1, and the layers
    after one are named after it: ``conv1``, ``conv1_relu``, ``conv1_maxpool``.
    """
    namer: Callable[[nn.Module], NamePairs] | None = LAYER_NAMERS.get(type(model).__name__)
    return dict(namer(model)) if namer else {}


def channel_counts(model: nn.Module, paths: Mapping[str, str]) -> dict[str, int]:
    """Return name -> number of channels or units, for convolutions, linear layers and normalizations."""
    modules = dict(model.named_modules())
    attributes = ("out_channels", "out_features", "num_features")
    counts = {
        name: next((getattr(modules[path], one) for one in attributes if hasattr(modules[path], one)), None)
        for name, path in paths.items()
    }
    return {name: count for name, count in counts.items() if isinstance(count, int)}


def _sequential_names(model: nn.Module) -> Iterator[tuple[str, str]]:
    last, counts = "", {"conv": 0, "fc": 0}
    for path, module in model.named_modules():
        kind = {nn.Conv2d: "conv", nn.Linear: "fc"}.get(type(module))
        suffix = {nn.BatchNorm2d: "bn", nn.ReLU: "relu", nn.MaxPool2d: "maxpool"}.get(type(module))
        if kind:
            counts[kind] += 1
            last = f"{kind}{counts[kind]}"
            yield last, path
        elif suffix and last:
            yield f"{last}_{suffix}", path


def _resnet_names(model: nn.Module) -> Iterator[tuple[str, str]]:
    for path, module in model.named_children():
        if isinstance(module, nn.Sequential):
            yield from ((f"{path}_{type(block).__name__.lower()}{i}", f"{path}.{i}") for i, block in enumerate(module))
        else:
            yield {"conv1": "conv", "bn1": "bn"}.get(path, path), path


def _googlenet_names(model: nn.Module) -> Iterator[tuple[str, str]]:
    return ((path, path) for path, _ in model.named_children() if path not in ("aux1", "aux2", "avgpool", "dropout"))


def _inception_names(model: nn.Module) -> Iterator[tuple[str, str]]:
    counts = {"Conv2d": 0, "Mixed": 0}
    for path, _ in model.named_children():
        kind = path.partition("_")[0]
        if kind in counts:
            counts[kind] += 1
            yield f"{'conv' if kind == 'Conv2d' else 'inception'}{counts[kind]}", path
        elif kind not in ("AuxLogits", "dropout"):
            yield path, path


def _vgg_face_names(model: nn.Module) -> Iterator[tuple[str, str]]:
    return ((path, path) for path, module in model.named_children() if not isinstance(module, nn.Dropout | nn.Flatten))


LAYER_NAMERS: Mapping[str, Callable[[nn.Module], NamePairs]] = {
    "AlexNet": _sequential_names,
    "VGG": _sequential_names,
    "ResNet": _resnet_names,
    "GoogLeNet": _googlenet_names,
    "Inception3": _inception_names,
    "VggFace": _vgg_face_names,
}
"""Class of a network -> function that yields (DNNBrain's name, path) of its layers."""

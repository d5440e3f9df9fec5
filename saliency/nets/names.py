"""DNNBrain's names for the layers of a plain feed-forward network: conv1, conv1_bn, conv1_relu, ... fc3."""

from collections.abc import Iterator

from torch import nn


def layer_paths(model: nn.Module) -> dict[str, str]:
    """Return name -> path for every module of a network.

    Each path is a name. Where all modules are called in the order in which they stand (AlexNet and the VGG networks), the
    convolutions and linear layers are counted from 1, and what follows one is named after it, as DNNBrain does.
    """
    paths = {path: path for path, _ in model.named_modules() if path}
    if type(model).__name__ in ("AlexNet", "VGG"):
        paths |= dict(_counted(model))
    return paths


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

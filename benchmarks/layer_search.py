"""Time GradCAM without and with a named layer: ``python -m benchmarks.layer_search [NETWORK ...]``.

Both ways run in turn on fresh copies of a network, so that neither finds what the other has stored. Networks are DemoNet,
names in torchvision, ``timm:NAME`` if timm is installed, and ``keras:NAME``, one of ``keras.applications`` on TensorFlow;
``@zero`` at the end of a name of timm sets the head to zero.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from saliency import GradCAM, nets
from tests.torchvision_ops import declare

NETWORKS = [
    "DemoNet", "resnet18", "squeezenet1_0", "vgg16", "vit_b_32", "swin_t", "maxvit_t", "convnext_tiny",
    "keras:DemoNet", "keras:MobileNetV2",
    "timm:vit_base_patch14_dinov2", "timm:hiera_tiny_224@zero", "timm:efficientvit_m0", "timm:mobilevit_xxs",
]  # fmt: skip
ROUNDS = 3


def main() -> None:
    """Print a row of the table for each network."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layer_search", description=__doc__)
    parser.add_argument("networks", nargs="*", default=NETWORKS, metavar="NETWORK", help="default: fourteen networks")
    torch.set_num_threads(1)
    print("| network | layer | named, first call | not named / named | not named / named, later calls |")
    print("|---|---|---:|---:|---:|")
    for name in parser.parse_args().networks:
        print(row(name), flush=True)


def row(name: str) -> str:
    """Return a network's row: medians of processor time."""
    model, x = load(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the zero maps of a head of zeros
        layer = GradCAM(_copy(model), 0).GetMask(x).details["layer"]
        options: tuple[dict[str, Any], ...] = ({"layer": layer}, {})
        times: tuple[list[list[float]], ...] = ([], [])
        for _ in range(ROUNDS):
            for seconds, more in zip(times, options, strict=True):
                seconds.append(_calls(_copy(model), x, more))
    (named, named_later), (first, later) = ([statistics.median(column) for column in zip(*one, strict=True)] for one in times)
    return f"| {name} | `{layer}` | {named:.3f} s | {first / named:.2f} | {later / named_later:.2f} |"


def _calls(model: Any, x: np.ndarray[Any, Any], options: dict[str, Any]) -> tuple[float, float]:
    """Return the time of a mask's first call, and of another mask's later call."""
    masks = GradCAM(model, 0), GradCAM(model, 0)
    return tuple(_seconds(lambda mask=mask: mask.GetMask(x, **options)) for mask in masks)  # type: ignore[return-value]


def _copy(model: Any) -> Any:
    """Return a copy that shares nothing with a model."""
    if isinstance(model, torch.nn.Module):
        return copy.deepcopy(model)
    from keras import models

    other = models.clone_model(model)
    other.set_weights(model.get_weights())
    return other


def _seconds(function: Callable[[], object]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def load(name: str) -> tuple[Any, np.ndarray[Any, Any]]:
    """Return a network in eval mode, with random weights except for DemoNet's, and an input: (3, H, W), in Keras (H, W, 3)."""
    if name.startswith("keras:"):
        return _build_keras(name.removeprefix("keras:"))
    declare()
    torch.default_generator.manual_seed(0)
    builder, _, is_zero = name.partition("@")
    model, side = _build(builder)
    if is_zero:
        for parameter in model.get_classifier().parameters():
            torch.nn.init.zeros_(parameter)
    return model.eval(), np.random.default_rng(0).normal(size=(3, side, side)).astype(np.float32)


def _build_keras(name: str) -> tuple[Any, np.ndarray[Any, Any]]:
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    keras.utils.set_random_seed(0)
    is_demo = name == "DemoNet"
    model = nets.load(name, framework="tf").model if is_demo else getattr(keras.applications, name)(weights=None)
    side = 96 if is_demo else model.input_shape[1]
    return model, np.random.default_rng(0).normal(size=(side, side, 3)).astype(np.float32)


def _build(name: str) -> tuple[Any, int]:
    if name == "DemoNet":
        return nets.load(name, framework="torch").model, 96
    if name.startswith("timm:"):
        import timm

        model = timm.create_model(name.removeprefix("timm:"), pretrained=False)
        return model, model.default_cfg["input_size"][-1]
    from torchvision import models

    return models.get_model(name, weights=None), 224


if __name__ == "__main__":
    main()

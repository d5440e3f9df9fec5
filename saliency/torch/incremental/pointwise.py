"""Operators that work position by position: of patches, they make a patch at the same place."""

from __future__ import annotations

from typing import Any

import torch

from saliency.torch.incremental.boxes import union
from saliency.torch.incremental.patch import Patch
from saliency.torch.incremental.step import Step

POINTWISE = {
    "abs", "add", "celu", "clamp", "clamp_max", "clamp_min", "clone", "div", "elu", "exp", "gelu", "hardsigmoid", "hardswish",
    "hardtanh", "leaky_relu", "log", "log1p", "maximum", "minimum", "mish", "mul", "neg", "pow", "_prelu_kernel", "reciprocal",
    "relu", "relu6", "rsqrt", "selu", "sigmoid", "silu", "softplus", "sqrt", "square", "sub", "tanh", "threshold", "_to_copy",
}  # fmt: skip


def pointwise(step: Step) -> Patch | None:
    """Apply it to the patches, where all else that it gets is the same at each position and for each map."""
    others = [one for one in step.args if isinstance(one, torch.Tensor)]
    if any(isinstance(arg, list | tuple) for arg in step.args) or not all(_is_everywhere_the_same(one) for one in others):
        return None
    return _together(step, step.patches)


def cat(step: Step) -> Patch | None:
    """Put patches together, channel after channel."""
    axis = step.args[1] if len(step.args) > 1 else step.kwargs.get("dim", 0)
    if axis not in (1, -3) or len(step.patches) < len(step.args[0]):
        return None
    return _together(step, step.patches)


def batch_norm(step: Step) -> Patch | None:
    """Normalise patches by running statistics."""
    training = step.func.overloadpacket.__name__ != "_native_batch_norm_legit_no_training" and step.args[5]
    return None if training or len(step.patches) > 1 else _together(step, step.patches)


def _together(step: Step, patches: list[Patch]) -> Patch | None:
    if any(one.boxes.space != patches[0].boxes.space for one in patches):  # one is broadcast
        return None
    boxes = patches[0].boxes if len(patches) == 1 else union([one.boxes for one in patches])
    if not step.fits(boxes):
        return None
    for one in patches:
        if not one.boxes.same(boxes):
            step.cost.call(one.values.shape[1] * boxes.size[0] * boxes.size[1])
    return step.patch(boxes, step.on(lambda patch: patch.within(boxes)), 1)


def _is_everywhere_the_same(other: Any) -> bool:
    axes = other.ndim
    return axes <= 4 and all(other.shape[axis] == 1 for axis in range(axes) if axis != axes - 3)

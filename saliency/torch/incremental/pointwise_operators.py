"""Rules for operators that treat each position alone: their output's patch has the boxes of their input's."""

from __future__ import annotations

from typing import Any

import torch

from saliency.core.incremental.box_batch import bounding_boxes
from saliency.torch.incremental.cost import CALL_COST
from saliency.torch.incremental.operator_call import OperatorCall
from saliency.torch.incremental.patch import Patch

POINTWISE = {
    "abs", "add", "celu", "clamp", "clamp_max", "clamp_min", "clone", "div", "elu", "exp", "gelu", "hardsigmoid", "hardswish",
    "hardtanh", "leaky_relu", "log", "log1p", "maximum", "minimum", "mish", "mul", "neg", "pow", "_prelu_kernel", "reciprocal",
    "relu", "relu6", "rsqrt", "selu", "sigmoid", "silu", "softplus", "sqrt", "square", "sub", "tanh", "threshold", "_to_copy",
}  # fmt: skip


def pointwise(call: OperatorCall) -> Patch | None:
    """Apply the operator to the patches; None if another argument varies over the positions or the maps."""
    others = [one for one in call.args if isinstance(one, torch.Tensor)]
    if any(isinstance(arg, list | tuple) for arg in call.args) or not all(_is_constant_per_channel(one) for one in others):
        return None
    return _apply(call, call.patches)


def concatenate(call: OperatorCall) -> Patch | None:
    """Concatenate patches along their channels."""
    axis = call.args[1] if len(call.args) > 1 else call.kwargs.get("dim", 0)
    if axis not in (1, -3) or len(call.patches) < len(call.args[0]):
        return None
    return _apply(call, call.patches)


def batch_norm(call: OperatorCall) -> Patch | None:
    """Normalize patches by running statistics."""
    training = call.func.overloadpacket.__name__ != "_native_batch_norm_legit_no_training" and call.args[5]
    return None if training or len(call.patches) > 1 else _apply(call, call.patches)


def _apply(call: OperatorCall, patches: list[Patch]) -> Patch | None:
    if any(one.boxes.map_size != patches[0].boxes.map_size for one in patches):  # one is broadcast
        return None
    boxes = patches[0].boxes if len(patches) == 1 else bounding_boxes([one.boxes for one in patches])
    if not call.is_worthwhile(boxes):
        return None
    for one in patches:
        if not one.boxes.equals(boxes):
            call.cost.add_call(CALL_COST, one.values.shape[1] * boxes.size[0] * boxes.size[1])
    return call.make_patch(boxes, call.evaluate(lambda patch: patch.values_in(boxes)), 1)


def _is_constant_per_channel(other: Any) -> bool:
    axes = other.ndim
    return axes <= 4 and all(other.shape[axis] == 1 for axis in range(axes) if axis != axes - 3)

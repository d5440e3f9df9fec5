"""Follow a model's operations on patches: apply the rule of each operation, or give it full maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from saliency.core.incremental.forward_cost import ForwardCost
from saliency.tf.incremental.patch import Patch, PatchAssembly
from saliency.tf.incremental.patch_call import PatchCall
from saliency.tf.incremental.pointwise_rules import (
    POINTWISE,
    add_bias,
    batch_norm,
    concatenate,
    keep_each,
    keep_values,
    pointwise,
)
from saliency.tf.incremental.position_rules import constant_pad, mean_of_positions, shape, transpose
from saliency.tf.incremental.sliding_rules import average_pool, convolution, max_pool
from saliency.tf.ops.graph_traversal import operations_after, operations_before
from saliency.tf.ops.operation_copy import copy_operation

RULES: dict[str, Callable[[PatchCall], Any]] = {
    **dict.fromkeys(POINTWISE, pointwise),
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), batch_norm),
    **dict.fromkeys(("Conv2D", "DepthwiseConv2dNative"), convolution),
    **dict.fromkeys(("Pad", "PadV2"), constant_pad),
    "AvgPool": average_pool,
    "BiasAdd": add_bias,
    "ConcatV2": concatenate,
    "EnsureShape": keep_values,
    "IdentityN": keep_each,
    "MaxPool": max_pool,
    "Mean": mean_of_positions,
    "Shape": shape,
    "Transpose": transpose,
}
"""Type of an operation -> a function that returns its outputs for patches, or None if the operation needs full maps."""


class PatchWalk:
    """Adds to a model's graph what computes the outputs of occluded inputs.

    Args:
        x: the model's input, of its graph.
        patch: the occluded inputs.
        assembly: assembles the values of boxes.
    """

    def __init__(self, x: Any, patch: Patch, assembly: PatchAssembly) -> None:
        self._x, self._assembly = x, assembly
        self._values: dict[str, Any] = {x.name: patch}  # name of a tensor -> what replaces it
        self._full: dict[str, Any] = {}
        self.cost = ForwardCost()
        self.with_rules: list[str] = []
        self.without_rules: list[str] = []

    def outputs(self, tensors: Sequence[Any]) -> list[Any]:
        """Return tensors of the model for the occluded inputs, as full maps."""
        changed, needed = operations_after(self._x), operations_before(tensors)
        for op in self._x.graph.get_operations():  # in the order in which they were added
            if op in changed and op in needed:
                self._apply(op)
        return [self._full_maps(tensor) for tensor in tensors]

    def _apply(self, op: Any) -> None:
        result = self._apply_rule(op)
        if result is not None:
            results = result if isinstance(result, list) else [result]
            self._values |= {tensor.name: one for tensor, one in zip(op.outputs, results, strict=False)}
            self.with_rules.append(op.type)
            return
        copy = copy_operation(op.graph, op, [self._full_maps(tensor) for tensor in op.inputs])
        self._values |= {one.name: other for one, other in zip(op.outputs, copy.outputs, strict=True)}
        if op.outputs and op.outputs[0].shape.rank:
            self.cost.add_full(float(np.prod([length or 1 for length in op.outputs[0].shape[1:]])), _work(op))
        if any(isinstance(self._values.get(tensor.name), Patch) for tensor in op.inputs):
            self.without_rules.append(op.type)

    def _apply_rule(self, op: Any) -> Any:
        """Return an operation's outputs, or the first, as patches or tensors; None if it needs full maps, or receives them."""
        inputs = [self._values.get(tensor.name, tensor) for tensor in op.inputs]
        depends = [tensor.name in self._values for tensor in op.inputs]
        if op.type not in RULES or not any(isinstance(one, Patch) for one in inputs):
            return None
        if any(changed and not isinstance(one, Patch) for one, changed in zip(inputs, depends, strict=True)):
            return None
        return RULES[op.type](PatchCall(op, inputs, self._assembly, self.cost))

    def _full_maps(self, tensor: Any) -> Any:
        """Return what replaces a tensor, as full maps; the tensor itself if it does not depend on the input."""
        value = self._values.get(tensor.name, tensor)
        if not isinstance(value, Patch):
            return value
        if tensor.name not in self._full:
            self._full[tensor.name] = self._assembly.full_maps(value)
        return self._full[tensor.name]


def _work(op: Any) -> float:
    """Return an operation's multiplications for a number of its output."""
    if op.type in ("Conv2D", "MatMul", "DepthwiseConv2dNative") and op.inputs[1].shape.is_fully_defined():
        kernel = [int(length) for length in op.inputs[1].shape]
        if op.type == "DepthwiseConv2dNative":
            return float(np.prod(kernel[:2]))
        summed = kernel[1] if op.type == "MatMul" and op.get_attr("transpose_b") else kernel[-2]
        return float(summed * np.prod(kernel[:-2]))
    return 0.0

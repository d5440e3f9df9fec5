"""Read from a graph which axis of an input with two axes holds channels."""

from typing import Any, TypeAlias

import tensorflow as tf

from saliency.core.channel_axis import Evidence

ELEMENTWISE = {"Identity", "Cast", "Add", "AddV2", "Sub", "Mul", "RealDiv", "BiasAdd", "EnsureShape", "PlaceholderWithDefault"}

Axes: TypeAlias = list[str | None]
"""For each axis of a tensor: ``rows`` or ``columns`` of the input, or None for another axis."""


def find_channel_axis(x: Any) -> Evidence:
    """Return the channel axis of inputs (N, rows, columns), from the first convolution or product with weights behind them."""
    found = list(_evidence(x, [None, "rows", "columns"], 0)) if x.shape.rank == 3 else []
    return found[0] if found and all(one == found[0] for one in found) else "unknown"


def _evidence(tensor: Any, axes: Axes, depth: int) -> list[Evidence]:
    """Return the evidence of all operations that read a tensor of known axes."""
    results: list[Evidence] = []
    for op in tensor.consumers() if depth < 20 else []:
        if op.type == "Conv2D":
            channels = axes[-1 if op.get_attr("data_format") == b"NHWC" else 1]
            results.append({"rows": 0, "columns": -1}.get(channels or ""))
        elif op.type in ("BatchMatMulV2", "BatchMatMul") and len(axes) == 3 and op.inputs[0] is tensor:
            results.append(-1)
        elif op.type in ELEMENTWISE and op.outputs[0].shape.rank == len(axes):
            results += _evidence(op.outputs[0], axes, depth + 1)
        elif op.type == "ExpandDims":
            axis = tf.get_static_value(op.inputs[1])
            if axis is None:
                return ["unknown"]
            place = int(axis) % (len(axes) + 1)
            results += _evidence(op.outputs[0], [*axes[:place], None, *axes[place:]], depth + 1)
        elif op.type == "Reshape" and op.outputs[0].shape.as_list()[1:] == [*tensor.shape.as_list()[1:], 1]:
            results += _evidence(op.outputs[0], [*axes, None], depth + 1)
        elif op.outputs and op.outputs[0].dtype.is_floating:
            results.append("unknown")
    return results

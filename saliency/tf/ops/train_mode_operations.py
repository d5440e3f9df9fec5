"""Find operations that stay in train mode: dropout, noise, and a batch norm by the statistics of the batch."""

import re
from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from saliency.core.warnings import warn
from saliency.tf.ops.graph_info import GraphInfo
from saliency.tf.ops.graph_traversal import operations_after, operations_before

RANDOM = re.compile(
    r"(Stateless|Stateful|Parameterized)?(Random)?(Uniform(Int|FullInt)?|(Truncated|Standard)?Normal|Gamma|Poisson|Binomial"
    r"|Multinomial|Shuffle)(V\d)?"
)
FUSED_NORMS = {"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "_FusedBatchNormEx"}
ASSIGNMENTS = {"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"}
GENERIC = re.compile(r"(StatefulPartitionedCall|PartitionedCall|model|stateless_dropout|dropout/random_uniform)(_\d+)?")
"""Parts of operations' names that say nothing to a user."""


def train_mode_operations(x: Any, output: Any) -> list[str]:
    """Return the names of a graph's operations in train mode.

    Args:
        x: the input, a tensor of a graph.
        output: the model's output, of any structure.
    """
    tensors = [one for one in tf.nest.flatten(output) if isinstance(one, tf.Tensor)]
    before, after = operations_before(tensors), operations_after(x)
    found = [op for op in before if (op.type in FUSED_NORMS and op.get_attr("is_training")) or _draws_numbers(op)]
    found += [op for op in x.graph.get_operations() if op.type in ASSIGNMENTS and _assigns_batch_statistics(op, after)]
    return list(dict.fromkeys(map(_layer_name, found)))


def _draws_numbers(op: Any) -> bool:
    """Return whether an operation draws other numbers in every call, so that its seed is no constant."""
    if not RANDOM.fullmatch(op.type):
        return False
    return not op.type.startswith("Stateless") or not any(map(_is_constant_seed, op.inputs[1:]))


def _is_constant_seed(tensor: Any) -> bool:
    source = tensor.op.inputs[0] if tensor.op.type == "StatelessRandomGetKeyCounter" else tensor
    return tensor.dtype != tf.int32 and tf.get_static_value(source) is not None


def _assigns_batch_statistics(op: Any, after: Iterable[Any]) -> bool:
    """Return whether a variable is assigned a mean over the samples, as by a batch norm in train mode."""
    value = op.inputs[1]
    return any(one.type in ("Mean", "Sum") and one in after and _reduces_samples(one) for one in operations_before([value]))


def _reduces_samples(op: Any) -> bool:
    axes = tf.get_static_value(op.inputs[1])
    return axes is not None and 0 in (axes.tolist() if axes.ndim else [int(axes)]) and (op.inputs[0].shape.rank or 0) > 1


def _layer_name(op: Any) -> str:
    """Return the name of the layer that an operation belongs to."""
    parts = [part for part in op.name.split("/") if not GENERIC.fullmatch(part)]
    scopes = [part for part in parts[:-1] if not part.startswith(("stateless_random", "random_"))]
    return "/".join(scopes or parts[-1:])


def warn_of_train_mode(info: GraphInfo) -> None:
    """Warn if a graph has operations in train mode."""
    if info.train_mode:
        names = ", ".join(f"`{name}`" for name in info.train_mode)
        warn(
            f"the model has operations in train mode: {names} (a dropout or noise of every call, or a batch norm by the "
            "statistics of the batch). Each gradient is that of another random network, or depends on the batch. Export or "
            "call the model with training=False; to accept them, pass saliency.wrap(model, train_mode=True)"
        )

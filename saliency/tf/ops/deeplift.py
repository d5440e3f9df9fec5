"""Let the gradients of a graph pass by the rules of DeepLIFT."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import tensorflow as tf

from saliency.core.errors import ModelError
from saliency.core.undo import Undo, undoable
from saliency.tf.ops.custom_gradients import preserve_gradient_functions
from saliency.tf.ops.deeplift_rules import Pair, find_rule
from saliency.tf.ops.graph_traversal import is_differentiable, operations_after, operations_between
from saliency.tf.ops.operation_kinds import KINKED, LINEAR, MAXIMA, MINIMA, PRODUCTS, QUOTIENTS, SMOOTH, SOFTMAXES, SUMS

KNOWN = LINEAR | KINKED | SMOOTH | MAXIMA | MINIMA | SOFTMAXES | {"SquaredDifference"}
OF_SEVERAL = PRODUCTS | SUMS | QUOTIENTS | MAXIMA | MINIMA | {"SquaredDifference"}
SELECTORS = (tf.bool, tf.int32, tf.int64)
INSTEAD = "IntegratedGradients supports every model with gradients"


@undoable
def apply_multiplier_rules(undo: Undo, x: Any, ends: Sequence[Any], baseline: Any, baseline_ends: Sequence[Any]) -> None:
    """Apply the rules to all operations between an input and its scores, for gradients that are built within the block.

    Args:
        undo: of the block.
        x: the input, a tensor of the graph.
        ends: the tensors that the backward passes start at.
        baseline: the baseline, a tensor of the same graph.
        baseline_ends: the same tensors for the baseline.

    Raises:
        ModelError: if there is no rule for an operation, or the operations at the baseline are others.
    """
    order = {op: i for i, op in enumerate(x.graph.get_operations())}
    between, references = (
        sorted(operations_between(start, list(tensors)), key=order.__getitem__)
        for start, tensors in ((x, ends), (baseline, baseline_ends))
    )
    if [op.type for op in between] != [op.type for op in references]:
        raise ModelError(f"the model takes other operations at the input than at the baseline; {INSTEAD}")
    dependent = operations_after(x)
    rules = {}
    for op, reference in zip(between, references, strict=True):
        rule = find_rule(_checked_pair(op, reference, x, dependent))
        if rule is not None:
            rules[op] = rule
    preserve_gradient_functions(undo, [*rules, *(op for op in between if op.type == "IdentityN")])
    for op in between:
        if op in rules:
            op._gradient_function = partial(_apply, rules[op])
        elif op.type == "IdentityN":  # a function with a gradient of its own: follow its operations instead
            op._gradient_function = _pass_on


def _apply(rule: Callable[[Any], list[Any]], _op: Any, *multipliers: Any) -> list[Any]:
    return rule(multipliers[0])


def _pass_on(_op: Any, *multipliers: Any) -> list[Any]:
    return list(multipliers)


def _checked_pair(op: Any, reference: Any, x: Any, dependent: dict[Any, None]) -> Pair:
    """Return an operation with that of the baseline.

    Raises:
        ModelError: if there is no rule for it.
    """
    changed = tuple(tensor is x or tensor.op in dependent for tensor in op.inputs)
    numbers = tuple(one and is_differentiable(tensor) for one, tensor in zip(changed, op.inputs, strict=True))
    trains = op.type.startswith("FusedBatchNorm") and op.get_attr("is_training")
    several = sum(numbers) > 1 and op.type not in OF_SEVERAL
    if op.type not in KNOWN or trains or several or _selects(op, changed, numbers):
        kind = f"{op.type} operation {op.name}"
        raise ModelError(f"DeepLIFT has no rule for the model's {kind}; {INSTEAD}")
    return Pair(op, reference, numbers)


def _selects(op: Any, changed: tuple[bool, ...], numbers: tuple[bool, ...]) -> bool:
    """Return whether what an operation selects, such as by an index or a condition, may depend on the model's input."""
    pairs = zip(op.inputs, changed, numbers, strict=True)
    return any(one and not number and tensor.dtype in SELECTORS and _is_data(tensor) for tensor, one, number in pairs)


def _is_data(tensor: Any) -> bool:
    """Return whether an integer or Boolean depends on the input's numbers, rather than on its shape."""
    stack, seen = [tensor], set()
    while stack:
        op = stack.pop().op
        if op in seen or op.type in ("Shape", "ShapeN", "Size", "Rank"):
            continue
        seen.add(op)
        if any(is_differentiable(one) for one in op.inputs) or op.type == "Placeholder":
            return True
        stack.extend(op.inputs)
    return False

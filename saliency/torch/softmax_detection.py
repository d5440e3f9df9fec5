"""Determine whether a model's output comes from a softmax or sigmoid, from its graph or from its values."""

import re
from typing import Any, Literal

import torch

from saliency.torch.pre_softmax_logits import ELEMENTWISE_OPERATORS, RESHAPE_OPERATORS

RESHAPE_NODES = {name.replace("_", "") for name in RESHAPE_OPERATORS}
"""Names of the same operators in an autograd graph."""

BACKWARD_SUFFIX = re.compile(r"Backward\d*$")
OPAQUE_NODES = {"compiledfunction", "differentiablegraph"}

ROUNDING = 0.01
"""Largest rounding error of a half-precision softmax."""


def final_activation(output: Any) -> Literal["probability", "hidden"] | None:
    """Classify the last activation of an output by its graph.

    Returns:
        ``probability`` after a softmax or sigmoid, also if reshapes and casts follow; ``hidden`` if arithmetic follows one, or
        if the graph cannot be read; None for any other output.
    """
    node, has_arithmetic = getattr(output, "grad_fn", None), False
    while node is not None:
        name = BACKWARD_SUFFIX.sub("", node.name()).rpartition("::")[-1].lower()
        if name in ("softmax", "logsoftmax", "sigmoid", "logsigmoid"):
            return "hidden" if has_arithmetic else "probability"
        if name in OPAQUE_NODES:
            return "hidden"
        parents = {parent for parent, _ in node.next_functions if parent is not None}
        if name in ELEMENTWISE_OPERATORS and (len(parents) == 1 or name in ("cat", "stack")):
            has_arithmetic = True
        elif name not in RESHAPE_NODES:
            return None
        node = node.next_functions[0][0] or next(iter(parents), None)
    return None


def is_outside_probability_range(output: Any) -> bool:
    """Return whether an output has values that neither a softmax or sigmoid nor the logarithm of one can have."""
    if not isinstance(output, torch.Tensor) or not output.is_floating_point() or not output.numel():
        return False
    low, high = (float(bound) for bound in output.detach().aminmax())
    return high > ROUNDING and (high > 1 + ROUNDING or low < -ROUNDING)

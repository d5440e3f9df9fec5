"""Read the outputs of ReLUs from their autograd nodes, for user-defined backward rules."""

from collections.abc import Callable
from typing import Any

import torch

from saliency.core.errors import ModelError


def _maximum(node: Any) -> torch.Tensor:
    return torch.maximum(node._saved_self, node._saved_other)


def _positive_part(node: Any) -> torch.Tensor:
    output: torch.Tensor = node._saved_self.clamp(min=0)
    return output


OUTPUTS: dict[str, Callable[[Any], torch.Tensor]] = {
    "ReluBackward0": lambda node: node._saved_result,
    "ThresholdBackward0": _positive_part,
    "ThresholdBackward1": _positive_part,
    "HardtanhBackward0": lambda node: node._saved_self.clamp(0, node._saved_max_val),
    "LeakyReluBackward0": _positive_part,
    "ClampBackward1": lambda node: node._saved_self.clamp(0, node._saved_max),
    "ClampBackward0": lambda node: torch.clamp(node._saved_self, node._saved_min, node._saved_max),
    "ClampMinBackward0": _positive_part,
    "ClampMinBackward1": _positive_part,
    "MaximumBackward0": _maximum,
    "FmaxBackward0": _maximum,
}
"""Name of a node -> a function that computes its output from the tensors that it saved."""


def relu_output(node: Any) -> torch.Tensor:
    """Return the output of a ReLU, without its graph.

    Raises:
        ModelError: if the node does not save its output, such as the node of a custom ``torch.autograd.Function``.
    """
    if node.name() not in OUTPUTS:
        raise ModelError(
            f"the model's {node.name()} does not save its output, which a callable `rule` needs: use torch.relu in the model, "
            'or rule="guided" or rule="rectified"'
        )
    return OUTPUTS[node.name()](node).detach()  # a graph would form a reference cycle with the node

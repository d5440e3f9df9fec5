"""What ReLUs gave, read off what their autograd nodes keep: for rules that a user writes."""

from collections.abc import Callable
from typing import Any

import torch

from saliency.core.errors import ModelError


def _larger(node: Any) -> torch.Tensor:
    return torch.maximum(node._saved_self, node._saved_other)


def _positive(node: Any) -> torch.Tensor:
    saved: torch.Tensor = node._saved_self.clamp(min=0)
    return saved


OUTPUTS: dict[str, Callable[[Any], torch.Tensor]] = {
    "ReluBackward0": lambda node: node._saved_result,
    "ThresholdBackward0": _positive,
    "ThresholdBackward1": _positive,
    "HardtanhBackward0": lambda node: node._saved_self.clamp(0, node._saved_max_val),
    "LeakyReluBackward0": _positive,
    "ClampBackward1": lambda node: node._saved_self.clamp(0, node._saved_max),
    "ClampBackward0": lambda node: torch.clamp(node._saved_self, node._saved_min, node._saved_max),
    "ClampMinBackward0": _positive,
    "ClampMinBackward1": _positive,
    "MaximumBackward0": _larger,
    "FmaxBackward0": _larger,
}
"""Node name -> what this node gave."""


def output_of(node: Any) -> torch.Tensor:
    """Return what a ReLU gave, without its graph.

    Raises:
        ModelError: if its node does not keep it, as that of a user's own ``torch.autograd.Function``.
    """
    if node.name() not in OUTPUTS:
        raise ModelError(
            f"the model's {node.name()} does not say what it gave, which a rule of your own is told: put torch.relu there, "
            'or use the rules "guided" and "rectified"'
        )
    return OUTPUTS[node.name()](node).detach()  # with its graph it would keep the node alive, and the node this

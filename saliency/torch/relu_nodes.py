"""Recognize the ReLUs and other activations among the nodes of an autograd graph."""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

import torch
from torch.autograd.graph import Node

from saliency.core.errors import InputError
from saliency.core.relu_rules import PART
from saliency.core.validation import shown
from saliency.torch.module_tree import named_modules

OPAQUE = {
    "CompiledFunctionBackward": "pass the model before it is compiled",
    "DifferentiableGraphBackward": "pass the model before torch.jit.script, or use torch.jit.trace",
    "CheckpointFunctionBackward": "use checkpoint(..., use_reentrant=False)",
}
"""Name of a node whose operations cannot be inspected -> what the user can do."""

NOT_ACTIVATIONS = re.compile(
    "(AccumulateGrad|Take|Gather|Add|Sub|Mul|Div|Sum|Mean|Mm|Addmm|Bmm|Baddbmm|Convolution|T|View|UnsafeView|Reshape|Permute|Transpose|Select|"
    "Slice|Squeeze|Unsqueeze|Expand|Cat|Stack|Index|Clone|ToCopy|CopySlices|CopyBackwards|AsStrided|Alias|Unbind|Split|"
    r"\w*Norm|\w*Pool\w*|Constant\w*|Upsample\w*|Embedding)(Backward\d*)?$"
)
"""Names of nodes that an error message does not list as activations."""


def node_names(relu_nodes: Any) -> frozenset[str]:
    """Return the option ``relu_nodes``, the names of the autograd nodes of custom ReLUs.

    Raises:
        InputError: if it is not a collection of strings.
    """
    several = isinstance(relu_nodes, list | tuple | set | frozenset | dict)
    if not several or not all(isinstance(name, str) for name in relu_nodes):
        raise InputError(f"`relu_nodes` (={shown(relu_nodes)}) must be a list of names, such as ['MyReLUBackward']")
    return frozenset(relu_nodes)


def _is_zero(value: Any) -> bool:
    return value is not None and not isinstance(value, torch.Tensor) and value == 0


def _is_zero_tensor(value: torch.Tensor | None) -> bool:
    return value is not None and not value.requires_grad and not bool(value.any())


RELU_CHECKS: dict[str, Callable[[Any], bool]] = {
    "ReluBackward0": bool,
    "ThresholdBackward0": lambda node: _is_zero(node._saved_threshold),
    "ThresholdBackward1": lambda node: _is_zero(node._saved_threshold),
    "HardtanhBackward0": lambda node: _is_zero(node._saved_min_val),  # ReLU6
    "LeakyReluBackward0": lambda node: _is_zero(node._saved_negative_slope),
    "ClampBackward1": lambda node: _is_zero(node._saved_min),
    "ClampBackward0": lambda node: _is_zero_tensor(node._saved_min),
    "ClampMinBackward0": lambda node: _is_zero(node._saved_min),
    "ClampMinBackward1": lambda node: _is_zero_tensor(node._saved_min),
    "MaximumBackward0": lambda node: _is_zero_tensor(node._saved_other) or _is_zero_tensor(node._saved_self),
    "FmaxBackward0": lambda node: _is_zero_tensor(node._saved_other) or _is_zero_tensor(node._saved_self),
}
"""Name of a node -> a check whether the node computes max(x, 0), with or without a ceiling; see ``core.relu_rules``."""


def find_relus(nodes: Iterable[Node], relu_nodes: Collection[str]) -> list[Node]:
    """Return the nodes that are ReLUs; ``relu_nodes`` names further ones, such as those of custom functions."""
    return [node for node in nodes if node.name() in relu_nodes or RELU_CHECKS.get(node.name(), lambda _: False)(node)]


def opaque_nodes(model: torch.nn.Module) -> dict[str, str]:
    """Map the names of nodes that cannot be inspected in this model's graph to what the user can do."""
    scripted = any(isinstance(module, torch.jit.ScriptModule) for module in named_modules(model).values())
    return OPAQUE | ({"CopySlices": "trace the model without operations in place on a view"} if scripted else {})


def activation_names(nodes: Iterable[Node], parts: Collection[Node] = ()) -> str:
    """List the names of the nodes that may be activations, for an error message; ``parts`` are parts of other activations."""
    names = {f"{node.name().rpartition('::')[-1]}{PART if node in parts else ''}" for node in nodes}
    return ", ".join(sorted(name for name in names if not NOT_ACTIVATIONS.match(name))) or "none"

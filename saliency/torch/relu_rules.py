"""The backward rules of ReLU-like nodes, set on the graph of one call: the model never hears of them."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeAlias

import torch
from torch.autograd.graph import Node

from saliency.core.errors import ModelError, NoReLUError
from saliency.core.relu_rules import call_user_rule, rule_name
from saliency.core.types import Rule
from saliency.torch.autograd_graph import leaf_nodes, takers
from saliency.torch.relu_outputs import output_of

Gradients: TypeAlias = tuple[torch.Tensor | None, ...]

OPAQUE = {
    "CompiledFunctionBackward": "give the model as it was before it was compiled",
    "DifferentiableGraphBackward": "give the model before torch.jit.script, or torch.jit.trace it",
    "CheckpointFunctionBackward": "use reentrant-free checkpoints, checkpoint(..., use_reentrant=False)",
}
"""Nodes that hide what they do, and what would help."""

PLUMBING = re.compile(
    "(AccumulateGrad|Take|Gather|Add|Sub|Mul|Div|Sum|Mean|Mm|Addmm|Bmm|Baddbmm|Convolution|T|View|UnsafeView|Reshape|Permute|Transpose|Select|"
    "Slice|Squeeze|Unsqueeze|Expand|Cat|Stack|Index|Clone|ToCopy|CopySlices|CopyBackwards|AsStrided|Alias|Unbind|Split|"
    r"\w*Norm|\w*Pool\w*|Constant\w*|Upsample\w*|Embedding)(Backward\d*)?$"
)
"""Nodes that are no activation, left out of the message about those that are."""


def opaque_nodes(model: torch.nn.Module) -> dict[str, str]:
    """Return the names of the nodes that hide what they do in the graph of this model, and what would help."""
    scripted = any(isinstance(module, torch.jit.ScriptModule) for module in model.modules())
    return OPAQUE | ({"CopySlices": "trace the model with no operation in place on a view"} if scripted else {})


def _zero(value: Any) -> bool:
    return value is not None and not isinstance(value, torch.Tensor) and value == 0


def _zeros(value: torch.Tensor | None) -> bool:
    return value is not None and not value.requires_grad and not bool(value.any())


RELUS: dict[str, Callable[[Any], bool]] = {
    "ReluBackward0": bool,
    "ThresholdBackward0": lambda node: _zero(node._saved_threshold),
    "ThresholdBackward1": lambda node: _zero(node._saved_threshold),
    "HardtanhBackward0": lambda node: _zero(node._saved_min_val),  # ReLU6
    "LeakyReluBackward0": lambda node: _zero(node._saved_negative_slope),
    "ClampBackward1": lambda node: _zero(node._saved_min),
    "ClampBackward0": lambda node: _zeros(node._saved_min),
    "ClampMinBackward0": lambda node: _zero(node._saved_min),
    "ClampMinBackward1": lambda node: _zeros(node._saved_min),
    "MaximumBackward0": lambda node: _zeros(node._saved_other) or _zeros(node._saved_self),
    "FmaxBackward0": lambda node: _zeros(node._saved_other) or _zeros(node._saved_self),
}
"""Node name -> does this node compute max(x, 0), with or without a ceiling?"""


def _guided(inwards: Gradients, _outwards: Gradients) -> Gradients:
    return tuple(None if g is None else g.clamp(min=0) for g in inwards)


def _rectified(inwards: Gradients, outwards: Gradients) -> Gradients:
    return tuple(None if g is None else outwards[0].clamp(min=0) for g in inwards if outwards[0] is not None)


RULES: dict[str, Callable[[Gradients, Gradients], Gradients]] = {"guided": _guided, "rectified": _rectified}


def _hook(rule: Rule, node: Any) -> Callable[[Gradients, Gradients], Gradients]:
    """Return what a rule does at a node, called with the gradients that leave it and those that arrived."""
    if isinstance(rule, str):
        return RULES[rule]
    output = output_of(node)

    def by_rule(inwards: Gradients, outwards: Gradients) -> Gradients:
        if outwards[0] is None:
            return inwards
        passed = call_user_rule(rule, outwards[0], output)
        return tuple(None if g is None else passed for g in inwards)

    return by_rule


def apply_rule(
    score: torch.Tensor,
    x: torch.Tensor,
    rule: Rule,
    relu_nodes: Collection[str],
    opaque: Mapping[str, str],
    allow_no_relu: bool,
    of: str,
) -> None:
    """Set a backward rule on every ReLU between a leaf and a score.

    Args:
        score: one number, with its graph.
        x: the leaf that it will be differentiated by.
        rule: how the gradient passes a ReLU.
        relu_nodes: names of further nodes that are ReLUs, such as a custom ``autograd.Function``'s.
        opaque: names of the nodes that hide what they do -> what would help.
        allow_no_relu: accept a graph without one.
        of: what an error calls the leaf.

    Raises:
        NoReLUError: if there is none.
        ModelError: if a part of the graph cannot be looked into.
    """
    nodes = _between(score, x)
    for node in nodes:
        for name, remedy in opaque.items():
            if name in node.name():
                raise ModelError(
                    f"the model hides its ReLUs in a {name} node, which a {rule_name(rule)} gradient can't enter: {remedy}"
                )
    relus = [node for node in nodes if node.name() in relu_nodes or RELUS.get(node.name(), lambda _: False)(node)]
    if nodes and not relus and not allow_no_relu:
        raise NoReLUError(
            f"the model has no ReLU between {of} and the score, so its {rule_name(rule)} gradient would be the vanilla "
            f"one; its activations: {_activations(nodes)}. Use Vanilla, or pass allow_no_relu=True; if one of them is your "
            "own ReLU, saliency.wrap(model, relu_nodes=[NAME]) says so"
        )
    for node in relus:
        node.register_hook(_hook(rule, node))


def _between(score: torch.Tensor, x: torch.Tensor) -> list[Node]:
    """Return the nodes of the graph on a path from the score back to the leaf x."""
    before = takers(score)
    found = dict.fromkeys(leaf_nodes(before, x))
    stack = list(found)
    while stack:
        new = [earlier for earlier in dict.fromkeys(before.get(stack.pop(), [])) if earlier not in found]
        found.update(dict.fromkeys(new))
        stack.extend(new)
    return list(found)


def _activations(nodes: Iterable[Node]) -> str:
    names = {node.name().rpartition("::")[-1] for node in nodes}
    return ", ".join(sorted(name for name in names if not PLUMBING.match(name))) or "none"

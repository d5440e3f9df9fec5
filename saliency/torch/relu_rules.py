"""Set backward rules on the ReLU nodes of one call's graph, without changing the model."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

import torch

from saliency.core.errors import ModelError, NoReLUError
from saliency.core.relu_rules import call_user_rule, rule_name, warn_of_gates
from saliency.core.types import Rule
from saliency.torch.activation_nodes import activation_graph
from saliency.torch.autograd_graph import nodes_between
from saliency.torch.relu_nodes import activation_names, find_relus
from saliency.torch.relu_outputs import relu_output

Gradients: TypeAlias = tuple[torch.Tensor | None, ...]


def _guided(grad_inputs: Gradients, _grad_outputs: Gradients) -> Gradients:
    return tuple(None if g is None else g.clamp(min=0) for g in grad_inputs)


def _rectified(grad_inputs: Gradients, grad_outputs: Gradients) -> Gradients:
    return tuple(None if g is None else grad_outputs[0].clamp(min=0) for g in grad_inputs if grad_outputs[0] is not None)


NAMED_RULES: dict[str, Callable[[Gradients, Gradients], Gradients]] = {"guided": _guided, "rectified": _rectified}


def _make_hook(rule: Rule, node: Any) -> Callable[[Gradients, Gradients], Gradients]:
    """Return the hook of a rule for a node; it receives the gradients by the node's inputs and by its outputs."""
    if isinstance(rule, str):
        return NAMED_RULES[rule]
    output = relu_output(node)

    def apply_callable(grad_inputs: Gradients, grad_outputs: Gradients) -> Gradients:
        if grad_outputs[0] is None:
            return grad_inputs
        gradient = call_user_rule(rule, grad_outputs[0], output)
        return tuple(None if g is None else gradient for g in grad_inputs)

    return apply_callable


def apply_rule(
    score: torch.Tensor,
    leaf: torch.Tensor,
    rule: Rule,
    relu_nodes: Collection[str],
    opaque: Mapping[str, str],
    allow_no_relu: bool,
    leaf_description: str,
) -> None:
    """Set a backward rule on every ReLU between a leaf and a score.

    Args:
        score: tensor with its graph.
        leaf: the leaf of the later differentiation.
        rule: how the gradient passes a ReLU.
        relu_nodes: names of further nodes that are ReLUs, such as those of a custom ``autograd.Function``.
        opaque: names of nodes that cannot be inspected -> what the user can do.
        allow_no_relu: accept a graph without a ReLU, or with ReLUs in gates only.
        leaf_description: the leaf in words, for error messages.

    Raises:
        NoReLUError: if there is no ReLU.
        ModelError: if a part of the graph cannot be inspected.
    """
    nodes = nodes_between(score, leaf)
    for node in nodes:
        for name, remedy in opaque.items():
            if name in node.name():
                raise ModelError(
                    f"the model hides its ReLUs in a {name} node, so a {rule_name(rule)} gradient cannot be computed: {remedy}"
                )
    found = find_relus(nodes, relu_nodes)
    graph = activation_graph(nodes, found)
    parts = {node for node in found if node.name() not in relu_nodes and graph.is_part(node)}
    relus = [node for node in found if node not in parts]
    if nodes and not relus and not allow_no_relu:
        raise NoReLUError(
            f"the model has no ReLU between {leaf_description} and the score, so its {rule_name(rule)} gradient would equal "
            f"the vanilla one; its activations: {activation_names(nodes, parts)}. Use Vanilla, or pass allow_no_relu=True. If "
            "one of these activations is a custom ReLU, pass its name: saliency.wrap(model, relu_nodes=[NAME])"
        )
    if relus and not allow_no_relu and graph.lies_in_gates(relus, [score.grad_fn]):
        warn_of_gates(rule)
    for node in relus:
        node.register_hook(_make_hook(rule, node))

"""Find the self-attention of a graph, and prove how its weights are arranged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch.autograd.graph import Node

from saliency.core.attention import UNKNOWN_TOKENS, NotSelfAttention, TokenGrid, no_attention, unusable_attention
from saliency.core.errors import ModelError
from saliency.core.target import Target
from saliency.core.token_layout import TokenLayout, read_layout, stated_layout, token_grid
from saliency.core.user_grid import UserGrid
from saliency.torch.attention.attention_calls import CallPlan
from saliency.torch.attention.attention_nodes import (
    in_call_order,
    is_attention,
    is_fused,
    multiplies_values,
    saved_operands,
    weights_shape,
)
from saliency.torch.autograd_graph import find_consumers, nodes_between, reaches
from saliency.torch.positions.attention_log import AttentionLog
from saliency.torch.relu_nodes import opaque_nodes


@dataclass(eq=False)
class AttentionPlan:
    """The attention of a model for one kind of input and target.

    Args:
        candidates: name of each node that may be attention, in the order of their calls.
        layouts: how the weights of each are arranged; None for a softmax that is not attention, such as that of classes.
        grid: where the tokens lie in the input.
        readouts: the tokens that the score of a class reads, (tokens,), by the class; see ``class_keys``.
        calls: finds the weights in a pass without a graph; None if this is not known.
        needs_graph: whether they cannot be found in such a pass.
    """

    candidates: tuple[str, ...]
    layouts: tuple[TokenLayout | None, ...]
    grid: TokenGrid
    readouts: dict[bytes, torch.Tensor] = field(default_factory=dict)
    calls: CallPlan | None = None
    needs_graph: bool = False

    def readout(self, target: Target) -> torch.Tensor | None:
        """Return the tokens that the scores of a target read, (N * T, tokens), if they are known."""
        found = [self.readouts.get(key) for key in class_keys(target)]
        rows = [row for row in found if row is not None]
        return torch.stack(rows) if rows and len(rows) == len(found) else None

    def layers(self, scores: torch.Tensor, leaf: torch.Tensor) -> list[tuple[Node, TokenLayout]] | None:
        """Return the nodes of attention in a graph with their layouts; None if the plan is not that of this graph."""
        nodes = candidates_of(scores, leaf)
        if tuple(node.name() for node in nodes) != self.candidates:
            return None
        found = [(node, layout) for node, layout in zip(nodes, self.layouts, strict=True) if layout is not None]
        return found if all(layout.fits(weights_shape(node)) for node, layout in found) else None


def class_keys(target: Target) -> list[bytes]:
    """Return the class of the output that each score reads, with its weight; nothing for other targets.

    Classes may read different tokens, for example if each has a class token of its own.
    """
    if target.function is not None or target.layers or target.units.shape[-1] != 1:
        return []
    return [unit.tobytes() + weight.tobytes() for unit, weight in zip(target.units, target.weights, strict=True)]


def candidates_of(scores: torch.Tensor, leaf: torch.Tensor) -> list[Node]:
    """Return the nodes between a leaf and the scores that may be attention, in the order of their calls."""
    return in_call_order(filter(is_attention, nodes_between(scores, leaf)))


def make_plan(
    scores: torch.Tensor, leaf: torch.Tensor, log: AttentionLog, stated: UserGrid | None, model: torch.nn.Module
) -> AttentionPlan:
    """Return the plan for a graph whose forward pass was logged.

    Args:
        scores: (N * T,), with their graph.
        leaf: the input (N, *input), its leaf.
        log: of the forward pass.
        stated: the grid of tokens that the user states, if the positions do not show it.
        model: the model.

    Raises:
        ModelError: if there is no attention, if it is not self-attention among the same tokens in every layer, if the layers
            do not follow each other, or if the tokens form no grid.
    """
    _check_inspectable(nodes_between(scores, leaf), model)
    nodes = candidates_of(scores, leaf)
    inner, consumers = set(nodes_between(scores, leaf)), find_consumers(scores)
    layouts: list[TokenLayout | None] = []
    reasons = []
    for i, node in enumerate(nodes):
        try:
            layouts.append(_layout(node, log, len(leaf), stated, lambda one: multiplies_values(one, consumers, inner)))
        except NotSelfAttention as reason:
            reasons.append(f"attention {i + 1} of {len(nodes)} has weights of shape {weights_shape(node)}: {reason}")
    if reasons:
        raise unusable_attention(reasons)
    found = [(node, layout) for node, layout in zip(nodes, layouts, strict=True) if layout is not None]
    if not found:
        raise no_attention()
    grid = token_grid([layout for _, layout in found], stated)
    for (earlier, _), (later, _) in pairwise(found):
        if not reaches(later, earlier):
            raise unusable_attention(["its layers lie on parallel branches instead of following each other"])
    return AttentionPlan(tuple(node.name() for node in nodes), tuple(layouts), grid)


def _check_inspectable(nodes: Sequence[Node], model: torch.nn.Module) -> None:
    for node in nodes:
        for name, remedy in opaque_nodes(model).items():
            if name in node.name():
                raise ModelError(f"the model hides its attention in a {name} node: {remedy}")


def _layout(
    node: Node, log: AttentionLog, samples: int, stated: UserGrid | None, is_product: Callable[[Node], bool]
) -> TokenLayout | None:
    """Return the layout of a node's weights; None if they are not those of attention.

    Raises:
        NotSelfAttention: if they are those of other attention.
    """
    positions = log.of(*saved_operands(node))
    if positions is not None:
        return read_layout(positions, samples)
    if not is_fused(node) and not is_product(node):
        return None
    layout = stated_layout(weights_shape(node), stated, samples)
    if layout is None:
        raise NotSelfAttention(UNKNOWN_TOKENS)
    return layout

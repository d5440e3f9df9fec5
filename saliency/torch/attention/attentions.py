"""Compute the attention of one forward pass: weights, gradients by them, and the tokens that the scores read."""

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any, TypeAlias

import torch
from torch.autograd.graph import GradientEdge, Node

from saliency.core.attention import AttentionLayers, Gradients, TokenGrid, readout_of
from saliency.core.errors import GradientError
from saliency.core.token_layout import TokenLayout
from saliency.torch.attention.attention_calls import AttentionCalls
from saliency.torch.attention.attention_nodes import arrange_weights, attention_weights, weights_gradient
from saliency.torch.attention.attention_plan import AttentionPlan, class_keys, make_plan
from saliency.torch.attention.layer_scores import Blocks, blocks_of, find_blocks
from saliency.torch.backward import check_finite, check_has_graph
from saliency.torch.forward import ForwardRunner
from saliency.torch.found_layers import query_kind
from saliency.torch.input_gradient import DESCRIPTION_AND_NAME, MakeQuery, make_leaf
from saliency.torch.layer_grids import make_recorder
from saliency.torch.layer_memory import memory_of
from saliency.torch.positions.attention_log import AttentionLog
from saliency.torch.query import ScoreQuery

Layers: TypeAlias = Sequence[tuple[Node, TokenLayout]]
Run: TypeAlias = Callable[[Callable[[torch.Tensor], tuple[torch.Tensor, ...]]], tuple[torch.Tensor, ...]]


class AttentionReader:
    """Reads the attention of a model from the graphs of its calls.

    Args:
        forward: of the model.
    """

    def __init__(self, forward: ForwardRunner) -> None:
        self._forward = forward

    def read(self, run: Run, make_query: MakeQuery, gradients: Gradients) -> AttentionLayers:
        """Return the attention of inputs; see ``GradientAdapter.attentions``.

        Args:
            run: calls a function of inputs (N, *input) with the model prepared, and returns its tensors.
            make_query: returns the query about inputs.
            gradients: the gradients to compute.
        """
        grids, with_gradients = [], gradients != "none"

        def compute(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            leaf = make_leaf(x)
            read = self._read_layer_scores if gradients == "own" else partial(self._read, with_gradients=with_gradients)
            grid, tensors = read(make_query(leaf), leaf)
            grids.append(grid)
            return tensors

        return AttentionLayers.of(run(compute), with_gradients, grids[-1])

    def _read(self, query: ScoreQuery, leaf: torch.Tensor, with_gradients: bool) -> tuple[TokenGrid, tuple[torch.Tensor, ...]]:
        """Return the grid of tokens; and scores, readout, the weights of each layer, and their gradients if computed."""
        found = None if with_gradients else self._read_without_graph(query, leaf)
        if found is not None:
            return found
        plan, scores, layers = self._layers(query, leaf)
        weights = [arrange_weights(attention_weights(node), layout, len(query.x)) for node, layout in layers]
        if with_gradients:
            gradients = _gradients(scores, layers, len(query.x))
            return plan.grid, (scores.detach(), readout_of(torch, gradients[-1]), *weights, *gradients)
        return plan.grid, (scores.detach(), _readout(query, scores, layers, plan), *weights)

    def _read_without_graph(self, query: ScoreQuery, leaf: torch.Tensor) -> tuple[TokenGrid, tuple[torch.Tensor, ...]] | None:
        """Return what ``_read`` returns without gradients; None if only a graph shows it.

        The second pass of a kind of query has a graph. It shows which calls of softmax and of fused kernels are the attention.
        """
        plan = self._plans(query).get(_key(query))
        readout = None if plan is None else plan.readout(query.target)
        if plan is None or readout is None or plan.needs_graph:
            return None
        x = leaf if plan.calls is None else leaf.detach()
        with AttentionCalls(plan.calls) as calls, torch.set_grad_enabled(plan.calls is None):
            outputs = self._forward.run(x, query.target, query.request.feed)
        scores = query.scores(outputs)
        weights: list[torch.Tensor] | None = None
        if plan.calls is not None:
            weights = calls.weights(len(x))
        elif (layers := plan.layers(scores, leaf)) is not None and (found := calls.plan(layers)) is not None:
            weights = [arrange_weights(attention_weights(node), layout, len(x)) for node, layout in layers]
            plan.calls = found
        if weights is None:
            plan.needs_graph = True
            return None
        check_finite(scores)
        return plan.grid, (scores.detach(), readout.to(scores.device), *weights)

    def _read_layer_scores(self, query: ScoreQuery, leaf: torch.Tensor) -> tuple[TokenGrid, tuple[torch.Tensor, ...]]:
        """Return the same, with the gradients of the scores of each layer's own tokens."""
        plan, scores, layers = self._layers(query, leaf)
        weights = [arrange_weights(attention_weights(node), layout, len(query.x)) for node, layout in layers]
        readout = _readout(query, scores, layers, plan)
        names = [(node.name(), layout) for node, layout in layers]
        del scores, layers  # and their graph
        if plan not in blocks_of:
            calls = find_blocks(query, self._forward, lambda scores: plan.layers(scores, leaf) or ())
            blocks_of[plan] = Blocks.of(calls, plan.grid.total)
        own, tokens = blocks_of[plan].score(query, self._forward)
        nodes = [(Blocks.attention_of(one, *name), name[1]) for one, name in zip(tokens, names, strict=True)]
        by_input = own.reshape(len(own), len(query.x), -1).sum(dim=0).flatten()  # the layers have graphs of their own
        gradients = _gradients(by_input, nodes, len(query.x))
        return plan.grid, (own[-1].detach(), readout, *weights, *gradients)

    def _layers(self, query: ScoreQuery, leaf: torch.Tensor) -> tuple[AttentionPlan, torch.Tensor, Layers]:
        """Run the model; the first pass of a kind of query also follows the positions of its tokens."""
        plans, key = self._plans(query), _key(query)
        plan = plans.get(key)
        if plan is not None:
            scores = self._scores(query)
            layers = plan.layers(scores, leaf)
            if layers is not None:
                return plan, scores, layers
        log = AttentionLog()
        with make_recorder(query, log):
            outputs = query.run_forward(self._forward, grad=True)
        scores = self._checked(query, outputs)
        plan = plans[key] = make_plan(scores, leaf, log, query.request.grid, self._forward.model)
        return plan, scores, plan.layers(scores, leaf) or ()

    def _plans(self, query: ScoreQuery) -> dict[Any, AttentionPlan]:
        return memory_of(query.adapter.model).attentions

    def _scores(self, query: ScoreQuery) -> torch.Tensor:
        return self._checked(query, query.run_forward(self._forward, grad=True))

    @staticmethod
    def _checked(query: ScoreQuery, outputs: Any) -> torch.Tensor:
        scores: torch.Tensor = query.scores(outputs)
        check_has_graph(scores, DESCRIPTION_AND_NAME[0])
        check_finite(scores)
        return scores


def _gradients(scores: torch.Tensor, layers: Layers, samples: int) -> list[torch.Tensor]:
    """Return the gradients by the weights of each layer, (N * T, heads, tokens, tokens).

    Raises:
        GradientError: if a score depends on none of the layers.
    """
    edges = [GradientEdge(node, 0) for node, _ in layers]
    targets = scores.reshape(samples, -1).sum(dim=0)  # (T,): samples do not interact
    passes = []
    for i, target in enumerate(targets):
        found = torch.autograd.grad(target, edges, retain_graph=True, allow_unused=True)
        if all(one is None for one in found):
            raise GradientError(
                f"the score of target {i} does not depend on the model's attention: no path leads from one to the other. "
                "Choose another target"
            )
        passes.append([_arranged(one, *layer, samples) for one, layer in zip(found, layers, strict=True)])
    if len(passes) == 1:
        return passes[0]
    return [torch.stack(of_layer, dim=1).flatten(0, 1) for of_layer in zip(*passes, strict=True)]


def _arranged(gradient: torch.Tensor | None, node: Any, layout: TokenLayout, samples: int) -> torch.Tensor:
    if gradient is None:
        return torch.zeros_like(arrange_weights(attention_weights(node), layout, samples))
    return arrange_weights(weights_gradient(node, gradient), layout, samples)


def _readout(query: ScoreQuery, scores: torch.Tensor, layers: Layers, plan: AttentionPlan) -> torch.Tensor:
    """Return the tokens that the scores read (N * T, tokens); remember those of each class.

    A class of an output (N, classes) reads the same tokens of every input: class tokens, or all of a mean.
    """
    known = plan.readout(query.target)
    if known is not None:
        return known.to(scores.device)
    readout: torch.Tensor = readout_of(torch, _gradients(scores, layers[-1:], len(query.x))[-1])
    positions = readout[:, list(plan.grid.order)]
    keys = class_keys(query.target)
    for key in set(keys):
        rows = [i for i, one in enumerate(keys) if one == key]
        row, places = readout[rows[0]], positions[rows[0]]
        is_shared = bool(row.any()) and bool((readout[rows] == row).all())  # a score without gradients shows no tokens
        if is_shared and bool(places.all() or not places.any()):
            plan.readouts[key] = row
    return readout


def _key(query: ScoreQuery) -> Hashable:
    return query_kind(query), len(query.x) > 1

"""Evaluate and differentiate the scores of one request, with a backward rule for the ReLUs."""

from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch

from saliency.core.adapter_request import Request
from saliency.core.errors import TargetError
from saliency.core.target import Target
from saliency.torch.backward import check_has_graph, differentiate
from saliency.torch.forward import ForwardRunner
from saliency.torch.in_place_relu import InPlaceReluMode
from saliency.torch.layer_calls import LayerCalls
from saliency.torch.layers import LayerPlace
from saliency.torch.partial_graph import PartialGraph, detach_after, detach_before
from saliency.torch.relevance.propagation import propagate
from saliency.torch.relevance.recorder import OperatorRecorder
from saliency.torch.relu_nodes import opaque_nodes
from saliency.torch.relu_rules import apply_rule


@dataclass(frozen=True)
class ScoreQuery:
    """A request about given inputs; the caller chooses the leaf of the differentiation.

    Args:
        x: (N, *input), in the model's own type.
        request: the target, the other inputs and the rule.
        adapter: the model's adapter.
        relu_nodes: names of further autograd nodes that are ReLUs.
        recorder: records the operators that a request for relevance needs.
    """

    x: torch.Tensor
    request: Request
    adapter: Any
    relu_nodes: Collection[str] = ()
    recorder: OperatorRecorder = field(default_factory=OperatorRecorder)

    @property
    def target(self) -> Target:
        """The target of the N * T samples."""
        return self.request.target

    def without_rule(self) -> "ScoreQuery":
        """Return the same query with plain gradients."""
        return replace(self, request=replace(self.request, rule=None))

    def run_forward(self, forward: ForwardRunner, grad: bool, outputs_only: bool = False) -> Any:
        """Run the model forward so that a rule finds its ReLUs; see ``ForwardRunner.run_with_graph``."""
        outputs_only = outputs_only and self.request.rule is None and self.request.relevance is None
        with nullcontext() if self.request.rule is None else InPlaceReluMode(), self._recording:
            return forward.run_with_graph(self.x, self.target, self.request.feed, grad, outputs_only)

    def scores(self, outputs: Any) -> torch.Tensor:
        """Return the scores (N * T,) of a forward pass's outputs."""
        with self._recording:
            scores: torch.Tensor = self.target.scores(outputs, len(self.x), self.adapter)
        return scores

    @property
    def _recording(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.request.relevance is None else self.recorder

    def scores_from_layer(
        self,
        forward: ForwardRunner,
        layer: LayerPlace,
        error_message: str,
        of_input: bool = False,
        any_input: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the scores (N * T,) and the leaf (N, ...) at a layer, with a graph between the two only.

        If the layer is called several times, the call that depends on the explained input counts. A model that sets the grad
        mode itself may disable it after the layer. Then the model runs again with a full graph. If the request has
        ``at_values``, they are the leaf.

        Args:
            forward: of the model; the caller has disabled gradients.
            layer: the layer.
            error_message: used if there is no leaf, with a gap for what the layer did.
            of_input: whether the leaf is the layer's input, rather than its output.
            any_input: accept a layer none of whose calls depends on the explained input, but on another one.

        Raises:
            TargetError: if the layer has no differentiable tensor, or several calls that do not follow each other.
        """
        feed = self.request.feed
        calls = LayerCalls(forward.model, layer, of_input, (tuple(self.x.shape[1:]), tuple(feed), self.target.layers))
        if any(isinstance(value, torch.Tensor) for value in feed.values()):
            calls.find(partial(self._run_plain, forward), self.x)  # the layer may be called for another input
        counting: Collection[int] | None = None if any_input and not calls.known else calls.known
        values = self.request.at_values
        if values is not None:  # the call is known from the pass that returned the layer's own values
            if calls.leaf is None:
                query = replace(self, request=replace(self.request, at_values=None))
                query.scores_from_layer(forward, layer, error_message, of_input, any_input)
            counting = None if calls.leaf is None else [calls.leaf]
        scores, graph = self._scores_from_layer(forward, layer, of_input, counting)
        if len(graph.leaves) > 1 and calls.known is None:
            counting = calls.find(partial(self._run_plain, forward), self.x)
            scores, graph = self._scores_from_layer(forward, layer, of_input, counting)
        if graph.leaf is None:
            raise TargetError(error_message.format(graph.observation))
        calls.leaf = next(iter(graph.leaves))
        return scores, graph.leaf

    def _run_plain(self, forward: ForwardRunner, x: torch.Tensor) -> Any:
        return forward.run(x, replace(self.target, logits=False), self.request.feed)

    def _scores_from_layer(
        self, forward: ForwardRunner, layer: LayerPlace, of_input: bool, calls: Collection[int] | None
    ) -> tuple[Any, PartialGraph]:
        for grad in (False, True):
            with (detach_before if of_input else detach_after)(layer, calls, self.request.at_values) as graph:
                outputs = self.run_forward(forward, grad)
            if graph.leaf is None:
                return None, graph
            with torch.enable_grad():
                scores = self.scores(outputs)
            if getattr(scores, "requires_grad", True):  # scores that are no tensor are reported later
                break
        return scores, graph

    def gradients(
        self,
        scores: torch.Tensor,
        leaf: torch.Tensor,
        leaf_description: str,
        leaf_name: str | None = None,
        retain_graph: bool = False,
        sample_axis: int = 0,
    ) -> torch.Tensor:
        """Differentiate the scores with respect to a leaf, by the request's rule; see ``differentiate``.

        Args:
            scores: (N * T,), with their graph.
            leaf: (N, ...).
            leaf_description: the leaf in words, for error messages.
            leaf_name: the name of the user's argument, if the leaf is one.
            retain_graph: keep the graph, to differentiate with respect to another leaf.
            sample_axis: the axis of the leaf's N samples.
        """
        check_has_graph(scores, leaf_description)
        if self.request.relevance is not None:
            opaque, has_first = opaque_nodes(self.adapter.model), self.request.at is None
            return propagate(
                scores,
                leaf,
                self.recorder,
                self.request.relevance,
                has_first,
                self.relu_nodes,
                opaque,
                leaf_name or leaf_description,
            )
        rule, allow_no_relu = self.request.rule, self.request.allow_no_relu
        if rule is not None:
            opaque = opaque_nodes(self.adapter.model)
            apply_rule(scores, leaf, rule, self.relu_nodes, opaque, allow_no_relu, leaf_description)
        return differentiate(scores, leaf, leaf_name or leaf_description, retain_graph, sample_axis)

"""Evaluate and differentiate the scores of one request, with a rule for the ReLUs."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch

from saliency.core.errors import TargetError
from saliency.core.request import Request
from saliency.core.target import Target
from saliency.torch.backward import check_scores, differentiate
from saliency.torch.forward import Forward
from saliency.torch.in_place_relu import InPlaceOnViews
from saliency.torch.partial_graph import Cut
from saliency.torch.relu_rules import apply_rule, opaque_nodes


@dataclass(frozen=True)
class ScoreQuery:
    """A request about given inputs; the leaf of the differentiation is chosen by the caller.

    Args:
        x: (N, *input), in the model's own type.
        request: the target, the other inputs and the rule.
        adapter: the model's adapter.
        relu_nodes: names of further autograd nodes that are ReLUs.
    """

    x: torch.Tensor
    request: Request
    adapter: Any
    relu_nodes: Collection[str] = ()

    @property
    def target(self) -> Target:
        """The target of the N * T samples."""
        return self.request.target

    def without_rule(self) -> "ScoreQuery":
        """Return the same query with plain gradients."""
        return replace(self, request=replace(self.request, rule=None))

    def run_forward(self, forward: Forward, grad: bool) -> Any:
        """Run the model forward so that a rule will find its ReLUs; see ``Forward.with_graph``."""
        with nullcontext() if self.request.rule is None else InPlaceOnViews():
            return forward.with_graph(self.x, self.target, self.request.feed, grad)

    def scores(self, outputs: Any) -> torch.Tensor:
        """Return the scores (N * T,) of what ``Forward`` returned."""
        scores: torch.Tensor = self.target.scores(outputs, len(self.x), self.adapter)
        return scores

    def cut(
        self, forward: Forward, cutting: Callable[[], AbstractContextManager[Cut]], refusal: str
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the scores (N * T,), and the leaf (N, ...) at a layer that they depend on.

        A model that sets the grad mode itself may switch it off behind the layer: then it runs again, with a graph all over.

        Args:
            forward: of the model, which records no graph by itself.
            cutting: cuts a forward pass.
            refusal: what is told, with a gap for what the layer did, where there is no leaf.

        Raises:
            TargetError: if there is none.
        """
        scores, leaf = self._cut(forward, cutting, refusal, grad=False)
        if getattr(scores, "requires_grad", True):  # what a callable made no tensor of is told later
            return scores, leaf
        return self._cut(forward, cutting, refusal, grad=True)

    def _cut(
        self, forward: Forward, cutting: Callable[[], AbstractContextManager[Cut]], refusal: str, grad: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        with cutting() as cut:
            outputs = self.run_forward(forward, grad)
        if cut.leaf is None:
            raise TargetError(refusal.format(cut.found))
        with torch.enable_grad():
            return self.scores(outputs), cut.leaf

    def gradients(
        self, scores: torch.Tensor, leaf: torch.Tensor, of: str, name: str | None = None, again: bool = False
    ) -> torch.Tensor:
        """Differentiate the scores with respect to a leaf, by the rule; see ``differentiate``.

        Args:
            scores: (N * T,), with their graph.
            leaf: (N, ...).
            of: what an error calls it in words.
            name: its name in the user's call, if it has one.
            again: keep the graph, for another leaf.
        """
        check_scores(scores, of)
        rule, allow_no_relu = self.request.rule, self.request.allow_no_relu
        if rule is not None:
            apply_rule(scores, leaf, rule, self.relu_nodes, opaque_nodes(self.adapter.model), allow_no_relu, of)
        return differentiate(scores, leaf, name or of, again)

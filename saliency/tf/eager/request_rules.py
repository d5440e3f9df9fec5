"""The rules by which the gradients of a request pass a graph: of ReLUs, or of layer-wise relevance propagation."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from saliency.core.adapter_request import Request
from saliency.core.lrp_composites import LRPComposite
from saliency.core.lrp_first_layer import Box, Flat
from saliency.core.lrp_rules import AlphaBeta, Epsilon, Gamma
from saliency.tf.ops.graph_info import GraphInfo
from saliency.tf.ops.relu_rules import apply_relu_rule
from saliency.tf.ops.scores import Scores
from saliency.tf.relevance.propagation import apply_relevance_rules

NAMED = (AlphaBeta, Epsilon, Gamma, Flat, Box)
"""Rules that are equal if their numbers are; those of the user are told apart by their identity."""


@dataclass(frozen=True)
class RequestRules:
    """The rules of a request, and what distinguishes their graph.

    Args:
        key: distinguishes the graph from those of other rules.
        functions: objects of the user that become part of the graph.
        tensors: tensors that the graph needs as further inputs.
    """

    request: Request
    key: tuple[Any, ...]
    functions: tuple[Any, ...] = ()
    tensors: tuple[Any, ...] = ()

    @classmethod
    def of(cls, request: Request) -> "RequestRules":
        """Return the rules of a request."""
        composite = request.relevance
        if composite is None:
            return cls(request, (request.allow_no_relu,))
        rules = (*composite.rules, composite.first)
        own = tuple(rule for rule in rules if rule is not None and not isinstance(rule, NAMED))
        names = (type(rule) if isinstance(rule, Box) else None if rule in own else rule for rule in rules)
        key = ("relevance", *names, composite.attention, composite.stabilizer, composite.allow_gradient)
        first = composite.first
        return cls(request, key, own, (first.low, first.high) if isinstance(first, Box) else ())

    @contextmanager
    def applied(self, info: GraphInfo, leaf: Any, scores: Scores, tensors: Sequence[Any], name: str) -> Iterator[None]:
        """Apply the rules to gradients that are built within the block.

        Args:
            info: of the graph that is being built.
            leaf: the tensor to differentiate by.
            scores: of the same graph.
            tensors: ``tensors``, as inputs of the graph.
            name: the leaf's name in errors.
        """
        composite, request = self.request.relevance, self.request
        if composite is None:
            with apply_relu_rule(info, leaf, scores.values, request.rule, request.allow_no_relu, name):
                yield
        else:
            ends = [tensor for tensor, _ in scores.starts]
            composite = _with_bounds(composite, tensors)
            with apply_relevance_rules(leaf, ends, composite, self.request.at is None):
                yield


def _with_bounds(composite: LRPComposite, bounds: Sequence[Any]) -> LRPComposite:
    return replace(composite, first=Box(*bounds)) if bounds else composite

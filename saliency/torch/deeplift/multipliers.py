"""Compute the multipliers of DeepLIFT: a pass at the baseline, a pass at the input, and one backward pass."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.autograd.graph import Node
from torch.nn.attention import SDPBackend, sdpa_kernel

from saliency.core.errors import ModelError
from saliency.torch.autograd_graph import nodes_between
from saliency.torch.backward import check_has_graph, differentiate
from saliency.torch.deeplift.operations import LINEAR, RECORDED, node_kind
from saliency.torch.deeplift.pair import Found, Pair
from saliency.torch.deeplift.recorder import Operation, OperationRecorder
from saliency.torch.deeplift.rules import find_rule
from saliency.torch.forward import ForwardRunner
from saliency.torch.in_place_relu import InPlaceReluMode
from saliency.torch.input_gradient import DESCRIPTION_AND_NAME, MakeQuery, make_leaf

INSTEAD = "IntegratedGradients supports every model with gradients"


def input_multipliers(
    forward: ForwardRunner, make_query: MakeQuery, x: torch.Tensor, baseline: Any
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return scores (N * T,), scores at the baseline, and multipliers (N * T, *input); see ``GradientAdapter.multipliers``."""

    def run(leaf: torch.Tensor) -> tuple[torch.Tensor, OperationRecorder]:
        query = make_query(leaf)
        with _recording() as recorder:
            scores = query.scores(query.run_forward(forward, grad=True))
        check_has_graph(scores, DESCRIPTION_AND_NAME[0])
        return scores, recorder

    leaf = make_leaf(x)
    start, reference = run(make_leaf(baseline))
    scores, actual = run(leaf)
    if len(reference.operations) != len(actual.operations):  # the first pass of a model may run it twice, to find its logits
        start, reference = run(make_leaf(baseline))
    for node in nodes_between(scores, leaf):
        _set_rule(node, actual, reference.operations)
    return scores.detach(), start.detach(), differentiate(scores, leaf, DESCRIPTION_AND_NAME[1])


@contextmanager
def _recording() -> Iterator[OperationRecorder]:
    """Record a forward pass in which attention consists of products and softmaxes, fused or not."""
    with sdpa_kernel(SDPBackend.MATH), InPlaceReluMode(), OperationRecorder() as recorder:
        yield recorder


def _set_rule(node: Node, actual: OperationRecorder, reference: list[Operation]) -> None:
    """Let a node pass multipliers instead of gradients.

    Raises:
        ModelError: if there is no rule for what it differentiates.
    """
    kind = node_kind(node)
    place = actual.by_node.get(node._sequence_nr()) if kind in RECORDED else None
    if place is None or actual.operations[place].kind != kind:
        if kind in LINEAR and kind not in RECORDED:
            return
        raise ModelError(f"DeepLIFT has no rule for the model's operation {node.name()}; {INSTEAD}")
    operation = actual.operations[place]
    if len(reference) != len(actual.operations) or not _match(operation, reference[place]):
        raise ModelError(
            f"the model computes {operation.func} at the input, but not at the baseline: DeepLIFT needs a model that takes "
            f"the same operations for both; {INSTEAD}"
        )
    rule = find_rule(Pair(operation, reference[place]))
    if rule is not None:
        node.register_hook(_make_hook(rule))


def _match(one: Operation, other: Operation) -> bool:
    return one.func is other.func and one.result.shape == other.result.shape


def _make_hook(rule: Callable[[torch.Tensor], Found]) -> Callable[[Any, Any], Any]:
    def apply(gradients: tuple[Any, ...], multipliers: tuple[Any, ...]) -> tuple[Any, ...]:
        if multipliers[0] is None:
            return gradients
        with torch.no_grad():
            found = iter(rule(multipliers[0]))
        replaced = [(gradient, next(found, None)) for gradient in gradients]
        return tuple(gradient if gradient is None or own is None else own for gradient, own in replaced)

    return apply

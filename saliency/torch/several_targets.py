"""Differentiate several targets of one input in one backward pass, if the model computes each row of a batch alone."""

from collections.abc import Callable, Hashable

import torch

from saliency.core.errors import SaliencyError, TargetError
from saliency.torch.forward import ForwardRunner
from saliency.torch.module_tree import calls_are_plain
from saliency.torch.out_of_memory import is_out_of_memory
from saliency.torch.query import ScoreQuery
from saliency.torch.repeated_input import RepeatedBackward, RepeatedForward

TOLERANCE = 1e-3
"""Largest difference between scores of the repeated input and of the input alone, as a fraction of the largest score."""


def gradients_of_targets(
    forward: ForwardRunner, make_query: Callable[[torch.Tensor], ScoreQuery], x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Return scores (T,) and gradients (T, *input) of T targets of one input; None if they need a pass each.

    The first call for a shape of inputs compares the scores with those of the input alone. A model with an operator that may
    mix the rows of a batch is remembered, and its targets take one backward pass each.

    Args:
        forward: of the model.
        make_query: returns the query about inputs.
        x: (1, *input).
    """
    query = make_query(x)
    if not _may_repeat(query) or not calls_are_plain(forward.model):
        return None
    rows, key = query.target.per_input(1), _kind(query)
    if not forward.repeats.get(key, True):
        return None
    leaf = x.detach().expand(rows, *x.shape[1:]).requires_grad_()
    repeated = make_query(leaf)
    try:
        with RepeatedForward(rows):
            outputs = repeated.run_forward(forward, grad=True)
        scores = repeated.scores(outputs)
        if key not in forward.repeats:
            forward.repeats[key] = _are_scores_alone(forward, query, scores)
    except (SaliencyError, RuntimeError) as error:  # the model may mix rows
        if isinstance(error, TargetError) or is_out_of_memory(error):
            raise
        forward.repeats[key] = False
    if not forward.repeats[key]:
        return None
    with RepeatedBackward():  # type: ignore[no-untyped-call] # its base class has no types
        gradients = repeated.gradients(scores, leaf, "the input", "`x_value`")
    return scores.detach(), gradients


def _may_repeat(query: ScoreQuery) -> bool:
    """Return whether a query asks for plain gradients of several classes of one image on a CPU, with no other input."""
    request, x = query.request, query.x
    target = request.target
    if len(x) != 1 or x.device.type != "cpu" or target.function is not None or target.layers or target.per_input(1) < 2:
        return False
    tensors = any(isinstance(value, torch.Tensor) for value in request.feed.values())
    return request.rule is None and request.relevance is None and not tensors


def _kind(query: ScoreQuery) -> Hashable:
    return tuple(query.x.shape[1:]), query.target.logits


def _are_scores_alone(forward: ForwardRunner, query: ScoreQuery, scores: torch.Tensor) -> bool:
    """Return whether scores (T,) are those of the input alone, for a model that may depend on the number of inputs."""
    with torch.no_grad():
        expected = query.scores(forward.run(query.x.detach(), query.target, query.request.feed))
    return bool(((scores.detach() - expected).abs() <= TOLERANCE * expected.abs().max()).all())

"""The rule of each recorded operation: the multipliers by its inputs, from those by its result."""

from collections.abc import Callable
from typing import Any

import torch

from saliency.core import multiplier_rules
from saliency.core.errors import ModelError
from saliency.torch.deeplift.normalizations import normalization_rule
from saliency.torch.deeplift.operations import KINKED, MAXIMA, MINIMA, NORMALIZATIONS, PRODUCTS, SELECTIONS, SMOOTH, SOFTMAXES
from saliency.torch.deeplift.pair import Found, Pair


def find_rule(pair: Pair) -> Callable[[torch.Tensor], Found] | None:
    """Return the rule of an operation; None if it is linear in what changes.

    Raises:
        ModelError: if there is no rule for it.
    """
    kind, changed = pair.actual.kind, pair.changed
    if kind in SELECTIONS:
        _check_selection(pair)
        return None
    if not any(changed):
        return None
    if kind == "div":
        return (lambda m: _quotient(pair, m)) if changed[1:] == [True] else None
    if kind in NORMALIZATIONS:
        return normalization_rule(pair)
    if kind in PRODUCTS:
        return (lambda m: pair.pull_back(m, 0.5)) if sum(changed) > 1 else None
    if sum(changed) > 1 and kind not in MAXIMA | MINIMA:
        raise ModelError(f"DeepLIFT has no rule for {pair.actual.func} if several of its inputs depend on the model's input")
    if kind in KINKED | SMOOTH:
        return lambda m: _rescaled(pair, m)
    if kind in MAXIMA | MINIMA:
        return lambda m: _extremum(pair, m)
    assert kind in SOFTMAXES  # noqa: S101 - the recorder records no other kinds
    return lambda m: _softmax(pair, m)


def _check_selection(pair: Pair) -> None:
    for one, other in zip(_indices(pair.actual.args), _indices(pair.reference.args), strict=True):
        if not torch.equal(one, other):
            raise ModelError(
                f"DeepLIFT has no rule for {pair.actual.func}, which selects other numbers at the input than at the baseline; "
                "IntegratedGradients supports every model with gradients"
            )


def _indices(args: tuple[Any, ...]) -> list[torch.Tensor]:
    flat = [one for arg in args for one in (arg if isinstance(arg, list | tuple) else (arg,))]
    return [one for one in flat if isinstance(one, torch.Tensor) and not one.is_floating_point()]


def _rescaled(pair: Pair, multipliers: torch.Tensor) -> Found:
    smallest = multiplier_rules.NO_CHANGE if pair.actual.kind in KINKED else multiplier_rules.SMALL_CHANGE
    x, x_0 = _changing(pair)
    if pair.actual.kind == "relu":  # its gradient halfway, without running it there
        halfway: Found = [torch.ops.aten.threshold_backward(multipliers, x + x_0, 0)]
    else:
        halfway = pair.pull_back(multipliers, 0.5)
    return [
        None if not changed else multiplier_rules.rescaled(torch, multipliers, x - x_0, pair.result_change, gradient, smallest)
        for gradient, changed in zip(halfway, pair.changed, strict=True)
    ]


def _changing(pair: Pair) -> tuple[torch.Tensor, torch.Tensor]:
    return pair.args[pair.changed.index(True)]


def _quotient(pair: Pair, multipliers: torch.Tensor) -> Found:
    (x, x_0), (divisor, divisor_0) = pair.args
    found = multiplier_rules.quotient_multipliers(multipliers, x, x_0, divisor, divisor_0)
    return [one.sum_to_size(of[0].shape) for one, of in zip(found, pair.args, strict=True)]


def _extremum(pair: Pair, multipliers: torch.Tensor) -> Found:
    y, y_0 = pair.actual.result, pair.reference.result
    best = torch.minimum(y, y_0) if pair.actual.kind in MINIMA else torch.maximum(y, y_0)
    rises, falls = pair.pull_back(multipliers * (best - y_0), 1.0), pair.pull_back(multipliers * (y - best), 0.0)
    return [
        None if rise is None or fall is None else multiplier_rules.shared(torch, x - x_0, rise + fall)
        for (x, x_0), rise, fall in zip(pair.args, rises, falls, strict=True)
    ]


def _softmax(pair: Pair, multipliers: torch.Tensor) -> Found:
    (x, x_0), axis = pair.args[0], pair.actual.args[1]
    if isinstance(axis, list | tuple):
        if len(axis) > 1:
            raise ModelError(f"DeepLIFT has no rule for {pair.actual.func} over several axes")
        axis = axis[0]
    top = torch.maximum(x, x_0).amax(axis, keepdim=True)
    exponentials = (x - top).exp(), (x_0 - top).exp()
    if pair.actual.kind in ("softmax", "safesoftmax"):
        return [multiplier_rules.softmax_multipliers(torch, multipliers, x - x_0, exponentials, axis)]
    logarithms = torch.logsumexp(x, axis, keepdim=True) - torch.logsumexp(x_0, axis, keepdim=True)
    if pair.actual.kind == "logsumexp":
        keeps = multipliers.ndim == x.ndim
        by_log = multipliers if keeps else multipliers.unsqueeze(axis)
        return [multiplier_rules.logsumexp_multipliers(torch, by_log, x - x_0, exponentials, logarithms, axis)]
    by_log = multipliers.sum(axis, keepdim=True)
    return [multipliers - multiplier_rules.logsumexp_multipliers(torch, by_log, x - x_0, exponentials, logarithms, axis)]

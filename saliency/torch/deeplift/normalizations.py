"""The rule of normalizations by the mean and variance of the input itself."""

from collections.abc import Callable
from typing import Any

import torch

from saliency.core.errors import ModelError
from saliency.core.multiplier_rules import normalized_multipliers
from saliency.torch.deeplift.pair import Found, Pair


def normalization_rule(pair: Pair) -> Callable[[torch.Tensor], Found] | None:
    """Return the rule of a layer, group, batch or RMS norm; None for a batch norm with fixed statistics, which is linear.

    Raises:
        ModelError: if its weights depend on the model's input.
    """
    if any(pair.changed[1:]):
        raise ModelError(f"DeepLIFT has no rule for {pair.actual.func} with weights that depend on the model's input")
    layout = _layout(pair.actual.kind, pair.actual.args)
    if layout is None:
        return None
    grouped, axes, epsilon, scale = layout
    (x, x_0), centered = pair.args[0], pair.actual.kind != "fusedrmsnorm"

    def rule(multipliers: torch.Tensor) -> Found:
        scaled = multipliers if scale is None else multipliers * scale
        scaled, one, other = (each.reshape(grouped) for each in (scaled, x, x_0))
        found: torch.Tensor = normalized_multipliers(torch, scaled, one, other, axes, epsilon, centered)
        return [found.reshape(x.shape), *[None] * (len(pair.args) - 1)]

    return rule


def _layout(kind: str, args: tuple[Any, ...]) -> tuple[tuple[int, ...], tuple[int, ...], float, torch.Tensor | None] | None:
    """Return the shape and axes that the mean and variance are computed in, the epsilon, and the weights.

    Args:
        kind: of the operation.
        args: the operator's arguments: the input first.
    """
    x = args[0]
    if kind in ("nativelayernorm", "fusedrmsnorm"):
        _, shape, weight, *rest = args
        epsilon = torch.finfo(x.dtype).eps if rest[-1] is None else rest[-1]
        return tuple(x.shape), tuple(range(-len(shape), 0)), epsilon, weight
    by_channel = (-1, *[1] * (x.ndim - 2))
    scale = None if args[1] is None else args[1].reshape(by_channel)
    if kind == "nativegroupnorm":
        return (x.shape[0], args[6], -1), (-1,), args[7], scale
    training, epsilon = args[5], args[7]
    return (tuple(x.shape), tuple(i for i in range(x.ndim) if i != 1), epsilon, scale) if training else None

"""Defer the operators that treat each token alone; evaluate the arguments of all others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import torch

from saliency.torch.class_token.deferred_tensor import DeferralError, Deferred, DeferredTensor, evaluated
from saliency.torch.class_token.token_axis import TokenAxis

MAX_SELECTED = 0.5
"""Largest fraction of the tokens that are evaluated without the others."""

IN_PLACE = {"__iadd__", "__imul__", "__isub__", "__itruediv__", "__setitem__"}

Rule: TypeAlias = Callable[[Any, Sequence[Any], dict[str, Any]], Any]
"""Returns the result of a function for its arguments; None if they need to be evaluated."""


def apply(func: Callable[..., Any], name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Run a function that receives deferred tensors.

    Raises:
        DeferralError: if it works in place.
    """
    is_in_place = name in IN_PLACE or (name.endswith("_") and not name.endswith("__"))
    if is_in_place or kwargs.get("out") is not None or kwargs.get("inplace"):
        raise DeferralError(f"{name} works in place")
    rule = RULES.get(name.strip("_"))
    result = None if rule is None else rule(func, args, kwargs)
    return func(*evaluated(tuple(args)), **evaluated(dict(kwargs))) if result is None else result


def _defer(
    func: Any, args: Sequence[Any], kwargs: dict[str, Any], shape: Sequence[int], where: TokenAxis | None = None
) -> Any:
    """Return the result of an operator of which only the first argument has tokens; None if others are deferred, too."""
    x = args[0]
    others = [*args[1:], *kwargs.values()]
    if not isinstance(x, DeferredTensor) or any(isinstance(one, DeferredTensor) for one in others):
        return None
    own = x.deferred.where
    return DeferredTensor(Deferred(func, args, kwargs, {0: own}, tuple(shape), where or own, x.deferred.deferral), x)


def _elementwise(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    tensors = {place: one for place, one in enumerate(args) if isinstance(one, torch.Tensor)}
    deferred = [one.deferred for one in tensors.values() if isinstance(one, DeferredTensor)]
    if not deferred or any(isinstance(one, torch.Tensor) for one in kwargs.values()):
        return None
    shape, where = deferred[0].shape, deferred[0].where
    if any(one.shape != shape or one.where != where for one in deferred):
        return None
    operands = {}
    for place, one in tensors.items():
        missing = len(shape) - one.ndim
        if missing < 0 or any(length not in (1, full) for length, full in zip(one.shape, shape[missing:], strict=True)):
            return None
        axis = where.axis - missing
        if axis >= 0 and one.shape[axis] != 1:
            operands[place] = where.moved(axis)
    return DeferredTensor(
        Deferred(func, args, kwargs, operands, shape, where, deferred[0].deferral), next(iter(tensors.values()))
    )


def _linear(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    x = args[0]
    if len(args) < 2 or not isinstance(x, DeferredTensor) or x.deferred.where.axis == x.ndim - 1:
        return None
    return _defer(func, args, kwargs, (*x.deferred.shape[:-1], args[1].shape[0]))


def _layer_norm(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    x = args[0]
    if len(args) < 2 or not isinstance(x, DeferredTensor) or x.deferred.where.axis >= x.ndim - len(args[1]):
        return None
    return _defer(func, args, kwargs, x.deferred.shape)


def _dropout(_func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    return None if (args[2] if len(args) > 2 else kwargs.get("training", True)) else args[0]


def _contiguous(_func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    return args[0] if len(args) == 1 and not kwargs else None


def _permute(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    x = args[0].deferred
    lengths = range(2, len(x.shape) + 2)  # all different
    axes = [length - 2 for length in func(torch.empty(tuple(lengths), device="meta"), *args[1:], **kwargs).shape]
    return _defer(func, args, kwargs, [x.shape[axis] for axis in axes], x.where.moved(axes.index(x.where.axis)))


@dataclass(frozen=True)
class _Reshape:
    """Reshape a tensor that holds all or some of the tokens."""

    shape: tuple[int, ...]
    where: TokenAxis

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(self.where.narrowed_shape(self.shape, x.numel() * self.where.tokens // prod(self.shape)))


def _reshape(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    x = args[0].deferred
    if kwargs or any(isinstance(one, torch.dtype) for one in args):
        return None
    shape = tuple(func(torch.empty(x.shape, device="meta"), *args[1:]).shape)
    where = x.where.viewed(x.shape, shape)
    return None if where is None else _defer(_Reshape(shape, where), args[:1], {}, shape, where)


def _select(_func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    if kwargs or len(args) != 3:
        return None
    _, axis, index = args
    axes = args[0].ndim
    return _getitem(None, (args[0], (*[slice(None)] * (axis % axes), index)), {})


def _getitem(_func: Any, args: Sequence[Any], _kwargs: dict[str, Any]) -> Any:
    """Return the values of the selected tokens; None for an index that selects many, or in another way."""
    x, index = args[0], args[1] if isinstance(args[1], tuple) else (args[1],)
    if not isinstance(x, DeferredTensor) or any(type(one) not in (int, slice) for one in index):
        return None
    where = x.deferred.where
    if len(index) <= where.axis or (where.outer, where.inner) != (1, 1):
        return None
    chosen = index[where.axis]
    rest: int | slice = slice(None)
    if isinstance(chosen, int):
        start, step, rest = chosen + where.tokens if chosen < 0 else chosen, 1, 0
        stop = start + 1
    else:
        start, stop, step = chosen.indices(where.tokens)
    if step != 1 or not 0 <= start < stop <= where.tokens or stop - start > MAX_SELECTED * where.tokens:
        return None
    some = x.deferred.evaluate_some(slice(start, stop))
    x.deferred.deferral.has_selected = True
    return some[(*index[: where.axis], rest, *index[where.axis + 1 :])]


RULES: dict[str, Rule] = {
    **dict.fromkeys(("add", "div", "gelu", "mul", "radd", "relu", "rmul", "silu", "sub", "tanh", "truediv"), _elementwise),
    **dict.fromkeys(("permute", "swapaxes", "transpose"), _permute),
    **dict.fromkeys(("flatten", "reshape", "unflatten", "view"), _reshape),
    "linear": _linear,
    "layer_norm": _layer_norm,
    "dropout": _dropout,
    "contiguous": _contiguous,
    "select": _select,
    "getitem": _getitem,
}
"""Name of a function -> its rule."""

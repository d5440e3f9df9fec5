"""keras-vis's gradient modifiers: functions of an array that keep its shape, available by name."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.gradient_modifiers import EPSILON, parse_modifier
from saliency.core.validation import shown

Gradients: TypeAlias = npt.NDArray[Any]


def _core_modifier(name: str) -> Callable[[Gradients], Gradients]:
    modifier = parse_modifier(name, np)
    if modifier is None:
        raise InputError(f"there is no modifier {name!r}")
    return modifier


negate, absolute, relu = _core_modifier("decrease"), _core_modifier("absolute"), _core_modifier("positive")
"""The negative of the gradient, its magnitude, and its positive part."""


def invert(grads: Gradients) -> Gradients:
    """Compute 1 / (gradient + 1e-7): large where the output changes little, with the sign of the change.

    This is keras-vis's formula. It differs from ``modifier="invert"`` of this library, which also keeps the sign of a
    gradient between -1e-7 and 0. At exactly -1e-7, where keras-vis divides by zero, the result is 1e7.
    """
    below = grads + np.asarray(EPSILON, grads.dtype)
    return 1 / np.where(below == 0, np.asarray(EPSILON, grads.dtype), below)


def small_values(grads: Gradients) -> Gradients:
    """Compute the magnitude of ``invert``: large where the output does not change, and 1e7 where the gradient is zero."""
    return np.abs(invert(grads))


MODIFIERS: dict[str, Callable[[Gradients], Gradients]] = {
    "negate": negate,
    "absolute": absolute,
    "invert": invert,
    "relu": relu,
    "small_values": small_values,
}


def get(identifier: Any) -> Callable[[Gradients], Gradients]:
    """Return a gradient modifier.

    Args:
        identifier: a name from ``MODIFIERS``; a callable that maps a NumPy array of gradients (N, ...) to an array of the
            same shape; or None for the identity.

    Raises:
        InputError: if ``identifier`` is none of these.
    """
    if identifier is None:
        return lambda grads: grads
    if callable(identifier):
        modifier: Callable[[Gradients], Gradients] = identifier
        return modifier
    if not isinstance(identifier, str) or identifier not in MODIFIERS:
        raise InputError(f"`grad_modifier` (={shown(identifier)}) must be one of {', '.join(MODIFIERS)}, a callable or None")
    return MODIFIERS[identifier]

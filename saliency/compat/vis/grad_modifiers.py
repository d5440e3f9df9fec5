"""keras-vis's modifiers of gradients: from an array to an array of the same shape, by name or any callable."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.gradient_modifiers import EPSILON, parse_modifier

Gradients: TypeAlias = npt.NDArray[Any]


def _core(name: str) -> Callable[[Gradients], Gradients]:
    modifier = parse_modifier(name, np)
    if modifier is None:
        raise InputError(f"there is no modifier {name!r}")
    return modifier


negate, absolute, relu = _core("decrease"), _core("absolute"), _core("positive")
"""The gradient's negative, its magnitude, and its positive part."""


def invert(grads: Gradients) -> Gradients:
    """Return 1 / (gradient + 1e-7): large where the output changes little, with the sign of the change.

    This is keras-vis's quotient, and not that of ``saliency``'s own ``modifier="invert"``, which keeps the sign of a
    gradient between -1e-7 and 0 as well. At -1e-7 itself, where keras-vis divides by zero, it is 1e7.
    """
    below = grads + np.asarray(EPSILON, grads.dtype)
    return 1 / np.where(below == 0, np.asarray(EPSILON, grads.dtype), below)


def small_values(grads: Gradients) -> Gradients:
    """Return the magnitude of ``invert``: large where the output is kept as it is, and 1e7 where the gradient is zero."""
    return np.abs(invert(grads))


KNOWN: dict[str, Callable[[Gradients], Gradients]] = {
    "negate": negate,
    "absolute": absolute,
    "invert": invert,
    "relu": relu,
    "small_values": small_values,
}


def get(identifier: Any) -> Callable[[Gradients], Gradients]:
    """Return a modifier.

    Args:
        identifier: its name, a callable from gradients (N, ...), a NumPy array, to such an array, or None for the identity.

    Raises:
        InputError: if it is none of these.
    """
    if identifier is None:
        return lambda grads: grads
    if callable(identifier):
        modifier: Callable[[Gradients], Gradients] = identifier
        return modifier
    if not isinstance(identifier, str) or identifier not in KNOWN:
        raise InputError(f"`grad_modifier` (={identifier!r}) must be one of {', '.join(KNOWN)}, a callable or None")
    return KNOWN[identifier]

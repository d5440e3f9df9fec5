"""What a gradient may be turned into before a method uses it."""

from collections.abc import Callable
from typing import Any, TypeAlias

from saliency.core.errors import InputError
from saliency.core.types import Array

Modifier: TypeAlias = Callable[[Array], Array]

EPSILON = 1e-7
"""Keeps a quotient finite where the gradient is zero, in score units per input unit."""


def modifier_of(spelling: Any, xp: Any) -> Modifier | None:
    """Return a gradient modifier by name.

    Args:
        spelling: ``increase``: the gradient as it is; ``decrease``: its negative, so that what lowers the score is positive;
            ``positive``: its positive part; ``absolute``: its magnitude; ``maintain``: 1 / magnitude, large where the score
            does not change; ``invert``: 1 / gradient, with its sign; a callable from arrays (N, ...) of the framework to such
            arrays; or None.
        xp: the framework's namespace.

    Raises:
        InputError: if it is none of these.

    Source:
        The names: keras-vis, https://raghakot.github.io/keras-vis/visualizations/saliency.
    """
    known: dict[str, Modifier] = {
        "increase": lambda gradient: gradient,
        "decrease": lambda gradient: -gradient,
        "positive": lambda gradient: xp.clip(gradient, 0.0, None),
        "absolute": lambda gradient: xp.where(gradient < 0, -gradient, gradient),
        "maintain": lambda gradient: 1 / (xp.where(gradient < 0, -gradient, gradient) + EPSILON),
        "invert": lambda gradient: 1 / xp.where(gradient < 0, gradient - EPSILON, gradient + EPSILON),
    }
    if spelling is None:
        return None
    if callable(spelling):
        modifier: Modifier = spelling
        return modifier
    if not isinstance(spelling, str) or spelling not in known:
        raise InputError(f"`modifier` (={spelling!r}) must be one of {', '.join(known)}, a callable or None")
    return known[spelling]

"""Modifiers that are applied to every gradient before a method uses it."""

from collections.abc import Callable
from typing import Any, TypeAlias

from saliency.core.errors import InputError
from saliency.core.types import Array

Modifier: TypeAlias = Callable[[Array], Array]

EPSILON = 1e-7
"""Keeps a quotient finite where the gradient is zero, in score units per input unit."""


def parse_modifier(modifier: Any, xp: Any) -> Modifier | None:
    """Return the function of a gradient modifier.

    Args:
        modifier: a callable from arrays (N, ...) of the framework to arrays of the same shape, None, or one of

            - ``increase``: the gradient unchanged,
            - ``decrease``: the negative gradient, so that inputs that lower the score become positive,
            - ``positive``: the positive part,
            - ``absolute``: the absolute value,
            - ``maintain``: 1 / absolute value, large where the score does not change,
            - ``invert``: 1 / gradient, with its sign.
        xp: the framework's namespace.

    Raises:
        InputError: if it is none of these.

    Source:
        The names: keras-vis, https://raghakot.github.io/keras-vis/visualizations/saliency.
    """
    by_name: dict[str, Modifier] = {
        "increase": lambda gradient: gradient,
        "decrease": lambda gradient: -gradient,
        "positive": lambda gradient: xp.clip(gradient, 0.0, None),
        "absolute": lambda gradient: xp.where(gradient < 0, -gradient, gradient),
        "maintain": lambda gradient: 1 / (xp.where(gradient < 0, -gradient, gradient) + EPSILON),
        "invert": lambda gradient: 1 / xp.where(gradient < 0, gradient - EPSILON, gradient + EPSILON),
    }
    if modifier is None:
        return None
    if callable(modifier):
        function: Modifier = modifier
        return function
    if not isinstance(modifier, str) or modifier not in by_name:
        raise InputError(f"`modifier` (={modifier!r}) must be one of {', '.join(by_name)}, a callable or None")
    return by_name[modifier]

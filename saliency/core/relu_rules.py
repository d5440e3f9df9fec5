"""How a gradient passes a ReLU: rules by name, and those that a user writes."""

from typing import Any

from saliency.core.errors import InputError
from saliency.core.types import Array, Rule

NAMES = ("guided", "rectified")


def checked_rule(rule: Any) -> Rule | None:
    """Return a rule as it is.

    Raises:
        InputError: if it is neither a name, nor a callable, nor None.
    """
    if rule is None or callable(rule) or (isinstance(rule, str) and rule in NAMES):
        known: Rule | None = rule
        return known
    raise InputError(
        f"`rule` (={rule!r}) must be one of {', '.join(NAMES)}, a callable (gradient, output) -> gradient, or None"
    )


def rule_name(rule: Rule) -> str:
    """Return what a message calls a rule."""
    return rule if isinstance(rule, str) else str(getattr(rule, "__name__", type(rule).__name__))


def gradient_by_rule(rule: Any, gradient: Array, output: Array) -> Array:
    """Return what a user's rule makes of the gradient that arrives at a ReLU.

    Raises:
        InputError: if the rule fails, or gives no array of the gradient's shape and type.
    """
    try:
        passed = rule(gradient, output)
    except Exception as error:
        raise InputError(f"`rule` ({rule_name(rule)}) failed: {type(error).__name__}: {error}") from error
    kind, shape = type(passed).__name__, getattr(passed, "shape", None)
    if not isinstance(passed, type(gradient)) or passed.dtype != gradient.dtype or _differ(shape, gradient.shape):
        found = kind if shape is None else f"{kind} of {passed.dtype}, shape {tuple(shape)}"
        raise InputError(
            f"`rule` ({rule_name(rule)}) gave a {found}; it must give the gradient that passes, a "
            f"{type(gradient).__name__} of {gradient.dtype}, shape {tuple(gradient.shape)}"
        )
    return passed


def _differ(one: Any, other: Any) -> bool:
    """Tell whether two shapes differ where both are known; a graph may not know all of one."""
    one, other = tuple(one), tuple(other)
    return len(one) != len(other) or any(a != b for a, b in zip(one, other, strict=True) if None not in (a, b))

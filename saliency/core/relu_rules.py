"""Rules for how a gradient passes a ReLU: two by name, and callables written by users."""

from typing import Any

from saliency.core.errors import InputError
from saliency.core.types import Array, Rule

RULE_NAMES = ("guided", "rectified")


def checked_rule(rule: Any) -> Rule | None:
    """Return a rule unchanged.

    Raises:
        InputError: if it is neither a name, nor a callable, nor None.
    """
    if rule is None or callable(rule) or (isinstance(rule, str) and rule in RULE_NAMES):
        checked: Rule | None = rule
        return checked
    raise InputError(
        f"`rule` (={rule!r}) must be one of {', '.join(RULE_NAMES)}, a callable (gradient, output) -> gradient, or None"
    )


def rule_name(rule: Rule) -> str:
    """Return the name of a rule for a message."""
    return rule if isinstance(rule, str) else str(getattr(rule, "__name__", type(rule).__name__))


def call_user_rule(rule: Any, gradient: Array, output: Array) -> Array:
    """Return the gradient that a user's rule passes on.

    Args:
        rule: the user's callable.
        gradient: the gradient that arrives at the ReLU, (N, ...).
        output: the output of the ReLU, of the same shape.

    Raises:
        InputError: if the rule fails, or returns anything other than an array of the gradient's shape and dtype.
    """
    try:
        passed = rule(gradient, output)
    except Exception as error:
        raise InputError(f"`rule` ({rule_name(rule)}) failed: {type(error).__name__}: {error}") from error
    kind, shape = type(passed).__name__, getattr(passed, "shape", None)
    if not isinstance(passed, type(gradient)) or passed.dtype != gradient.dtype or _shapes_differ(shape, gradient.shape):
        result = kind if shape is None else f"{kind} of {passed.dtype}, shape {tuple(shape)}"
        raise InputError(
            f"`rule` ({rule_name(rule)}) returned a {result}; it must return the gradient that passes, a "
            f"{type(gradient).__name__} of {gradient.dtype}, shape {tuple(gradient.shape)}"
        )
    return passed


def _shapes_differ(one: Any, other: Any) -> bool:
    """Return whether two shapes differ; a length that a graph does not know (None) equals any length."""
    one, other = tuple(one), tuple(other)
    return len(one) != len(other) or any(a != b for a, b in zip(one, other, strict=True) if None not in (a, b))

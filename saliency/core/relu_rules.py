"""Rules for how a gradient passes a ReLU: two by name, and callables written by users.

A rule applies to ReLUs. The definition is the same for every adapter:

- A ReLU is an operation that computes ``max(x, 0)``, with or without a ceiling: ``min(max(x, 0), c)``. This includes ReLU6,
  ``Hardtanh(0, c)``, ``clamp(min=0)``, ``maximum(x, 0)``, ``Threshold(0, 0)`` and a leaky ReLU of slope 0.
- A ReLU that is a part of another activation does not count. It is one if each use of its output adds it to a curved function
  of the same x, or multiplies it with any function of the same x, number by number. Examples, written out or as a framework
  computes them: PReLU, leaky ReLU, ELU and CELU, softplus, ``|x|``, hard swish. A hard sigmoid is one as well: a ReLU with a
  ceiling, of an input that a number is added to, scaled to 0..1. A skip connection, ``relu(x) + 0.5 * x``, is no part.
- No other activation counts, nor do other ways to compute the same numbers, such as ``where(x > 0, x, 0)`` or ``x * (x > 0)``.

A rule leaves the gradient of all that is no ReLU unchanged. If there is no ReLU, it raises an error. If all ReLUs lie in
gates, such as those of squeeze-and-excitation blocks, it warns: the main path has no ReLU. ``saliency.core.activation_graph``
decides both.
"""

from typing import Any

from saliency.core.errors import GateWarning, InputError
from saliency.core.gradient_modifiers import Modifier, check_with_rule
from saliency.core.types import Array, Rule
from saliency.core.validation import shown
from saliency.core.warnings import warn

RULE_NAMES = ("guided", "rectified")

PART = " (part of another activation)"
"""Follows the name of an operation in errors, if it computes a ReLU that does not count."""


def checked_rule(rule: Any, modifier: Modifier | None = None) -> Rule | None:
    """Return a rule unchanged.

    Args:
        rule: the rule.
        modifier: what the gradient is modified by afterwards.

    Raises:
        InputError: if it is neither a name, nor a callable, nor None, or the modifier has no meaning with it.
    """
    if rule is None or callable(rule) or (isinstance(rule, str) and rule in RULE_NAMES):
        check_with_rule(modifier, rule)
        checked: Rule | None = rule
        return checked
    raise InputError(
        f"`rule` (={shown(rule)}) must be one of {', '.join(RULE_NAMES)}, a callable (gradient, output) -> gradient, or None"
    )


def rule_name(rule: Rule) -> str:
    """Return the name of a rule for a message."""
    return rule if isinstance(rule, str) else str(getattr(rule, "__name__", type(rule).__name__))


def warn_of_gates(rule: Rule) -> None:
    """Warn that all ReLUs between an input and a score lie in gates."""
    warn(
        "all ReLUs of the model lie in gates, such as those of squeeze-and-excitation blocks, so a "
        f"{rule_name(rule)} gradient differs from the vanilla one in the gates only: on the main path, no activation is a "
        "ReLU. Use Vanilla, or pass allow_no_relu=True to accept this without a warning",
        GateWarning,
    )


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

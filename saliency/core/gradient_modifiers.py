"""Modifiers that are applied to every gradient before a method uses it."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

from saliency.core.errors import InputError
from saliency.core.types import Array
from saliency.core.validation import shown

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
    if modifier is None:
        return None
    if callable(modifier):
        function: Modifier = modifier
        return function
    if not isinstance(modifier, str) or modifier not in BY_NAME:
        raise InputError(f"`modifier` (={shown(modifier)}) must be one of {', '.join(BY_NAME)}, a callable or None")
    return NamedModifier(modifier, xp)


BY_NAME: dict[str, Callable[[Any, Array], Array]] = {
    "increase": lambda _xp, gradient: gradient,
    "decrease": lambda _xp, gradient: -gradient,
    "positive": lambda xp, gradient: xp.clip(gradient, 0.0, None),
    "absolute": lambda xp, gradient: xp.where(gradient < 0, -gradient, gradient),
    "maintain": lambda xp, gradient: 1 / (xp.where(gradient < 0, -gradient, gradient) + EPSILON),
    "invert": lambda xp, gradient: 1 / xp.where(gradient < 0, gradient - EPSILON, gradient + EPSILON),
}


class NamedModifier:
    """A modifier of ``BY_NAME``.

    Args:
        name: its name.
        xp: the framework's namespace.
    """

    def __init__(self, name: str, xp: Any) -> None:
        self._name, self._xp = name, xp
        self.__name__ = name

    def __call__(self, gradient: Array) -> Array:
        """Return the modified gradient, an array of the same shape."""
        return BY_NAME[self._name](self._xp, gradient)

    def __reduce__(self) -> tuple[Any, ...]:
        return _import_modifier, (self._name, self._xp.__name__)


def _import_modifier(name: str, module: str) -> NamedModifier:
    return NamedModifier(name, import_module(module))


def check_with_rule(modifier: Modifier | None, rule: Any) -> None:
    """Check that a modifier keeps its meaning where the gradient passes the ReLUs by a rule.

    Guided backpropagation and the deconvnet discard negative gradients at each ReLU. So what lowers the score is not the
    negative of their gradient, and a zero does not mean that the score stays the same.

    Args:
        modifier: the modifier; one of the user's own is not checked.
        rule: the rule of ``Request``; a callable is not checked.

    Raises:
        InputError: if it does not.
    """
    reason = WITHOUT_RULE.get(modifier.__name__) if isinstance(modifier, NamedModifier) and isinstance(rule, str) else None
    if reason is not None and isinstance(modifier, NamedModifier):
        raise InputError(f"`modifier` (={modifier.__name__!r}) must not be used with the ReLU rule {rule!r}: {reason}")


ZERO_GRADIENT = (
    "its gradient is zero also where the rule stops it, not only where the score does not change. Use Vanilla without a rule"
)
WITHOUT_RULE = {
    "decrease": "it discards negative gradients at each ReLU, so the negative of its gradient does not show what lowers the "
    "score. Explain the negative score, such as y=lambda output: -output[:, 8], or use Vanilla without a rule",
    "maintain": ZERO_GRADIENT,
    "invert": ZERO_GRADIENT,
}
"""Name of a modifier that has no meaning with a ReLU rule -> why, and what to do instead."""


def apply_modifier(modifier: Modifier, gradients: Array) -> Array:
    """Return modified gradients (N, ...).

    Raises:
        InputError: if the modifier returns anything but an array of their shape.
    """
    modified = modifier(gradients)
    if not isinstance(modified, type(gradients)) or tuple(modified.shape) != tuple(gradients.shape):
        result = f"{type(modified).__name__} of shape {tuple(getattr(modified, 'shape', ()))}"
        raise InputError(
            f"`modifier` returned a {result}; it must return the modified gradient, "
            f"a {type(gradients).__name__} of shape {tuple(gradients.shape)}"
        )
    return modified

"""Composites of layer-wise relevance propagation: which rule applies to which kind of operation."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from saliency.core.errors import InputError, ModelError
from saliency.core.lrp_first_layer import Box, FirstLayerRule, Flat
from saliency.core.lrp_rules import STABILIZER, AlphaBeta, Epsilon, Gamma, LRPRule
from saliency.core.types import Array
from saliency.core.validation import shown

Attention: TypeAlias = Literal["attn", "cp"]
"""How relevance passes attention: ``attn`` halves it between the weights and the values, ``cp`` passes all to the values."""


@dataclass(frozen=True)
class LRPSettings:
    """The numbers of the rules.

    Args:
        epsilon, gamma: of the rules of these names.
        low, high: the lowest and highest possible input, (1, *input), for the box rule; None if not stated.
    """

    epsilon: float = STABILIZER
    gamma: float = 0.25
    low: Array | None = field(default=None, compare=False)
    high: Array | None = field(default=None, compare=False)

    def box(self) -> Box:
        """Return the box rule.

        Raises:
            InputError: if a bound is not stated.
        """
        for name, bound in (("low", self.low), ("high", self.high)):
            if bound is None:
                raise InputError(
                    f"`{name}` (=None) must be stated for the box rule: the "
                    f"{name}est possible value of the input, a number or an array, in the model's own units"
                )
        return Box(self.low, self.high)


@dataclass(frozen=True, eq=False)
class LRPComposite:
    """A rule for each kind of linear operation.

    Args:
        convolution: of convolutions, including transposed ones.
        linear: of matrix products with weights.
        first: of the layer that the input enters; None for the rule of its kind.
        attention: how relevance passes attention.
        stabilizer: the epsilon of sums and of batch norms that are no part of a linear operation.
        allow_gradient: let relevance pass an operation without a rule by its gradient.
    """

    convolution: LRPRule
    linear: LRPRule
    first: FirstLayerRule | None = None
    attention: Attention = "attn"
    stabilizer: float = STABILIZER
    allow_gradient: bool = False

    @property
    def rules(self) -> tuple[LRPRule, LRPRule]:
        """The rules of convolutions and of matrix products."""
        return self.convolution, self.linear


RULES: Mapping[str, Callable[[LRPSettings], LRPRule]] = {
    "epsilon": lambda settings: Epsilon(settings.epsilon),
    "gamma": lambda settings: Gamma(settings.gamma),
    "plus": lambda _: AlphaBeta(1.0, 0.0),
    "alpha2-beta1": lambda _: AlphaBeta(2.0, 1.0),
}
"""Rules of convolutions and matrix products by name."""

FIRST_LAYER_RULES: Mapping[str, Callable[[LRPSettings], FirstLayerRule]] = {
    "flat": lambda _: Flat(),
    "box": LRPSettings.box,
}
"""Rules of the first layer by name."""

COMPOSITES: Mapping[str, Mapping[str, str]] = {
    "epsilon": {},
    "epsilon-plus": {"convolution": "plus"},
    "epsilon-plus-flat": {"convolution": "plus", "first": "flat"},
    "epsilon-gamma-box": {"convolution": "gamma", "first": "box"},
    "alpha2-beta1-flat": {"convolution": "alpha2-beta1", "first": "flat"},
    "attn-lrp": {"attention": "attn"},
    "cp-lrp": {"attention": "cp"},
}
"""Name of a composite -> its rules by position; a matrix product, and what is not stated, has the epsilon rule."""


def default_epsilon(rule: Any) -> float:
    """Return the epsilon of a composite for which the user states none."""
    return 0.0 if isinstance(rule, str) and "attention" in COMPOSITES.get(rule, {}) else STABILIZER


POSITIONS = ("convolution", "linear", "first", "attention")


def activation_multipliers(xp: Any, x: Array, y: Array, multipliers: Array) -> Array:
    """Return the multipliers of the input of an element-wise activation, which passes relevance unchanged.

    An input of 0 has no relevance, so its multiplier is 0.

    Args:
        xp: the framework's namespace.
        x, y: the input and output of the activation, (N, ...).
        multipliers: those of the output, (N, ...).
    """
    is_zero = x == 0
    return xp.where(is_zero, 0 * x, multipliers * y / xp.where(is_zero, xp.ones_like(x), x))


def checked_multipliers(rule: Any, found: Any, x: Array) -> Array:
    """Return what a rule computed for an operation's input.

    Raises:
        InputError: if it has another type or shape than the input.
    """
    if not isinstance(found, type(x)) or not _may_be_equal(found.shape, x.shape):
        result = f"{type(found).__name__} of shape {tuple(getattr(found, 'shape', ()))}"
        raise InputError(
            f"`rule` ({type(rule).__name__}) returned a {result}; it must return a {type(x).__name__} of the shape of the "
            f"operation's input, {tuple(x.shape)}"
        )
    return found


def _may_be_equal(shape: Any, other: Any) -> bool:
    """Return whether two shapes are equal, as far as their lengths are known: an unknown one is None."""
    if shape == other:
        return True
    return len(shape) == len(other) and all(None in pair or len(set(pair)) == 1 for pair in zip(shape, other, strict=True))


def missing_rule(operation: str, remedy: str | None = None) -> ModelError:
    """Return the error for an operation without a rule, with what the user can do instead."""
    return ModelError(
        f"LRP has no rule for the operation {operation} between the input and the score"
        + (f": {remedy}" if remedy else ". Pass allow_gradient=True to let relevance pass it by its gradient")
    )


def make_composite(rule: Any, settings: LRPSettings, allow_gradient: bool) -> LRPComposite:
    """Return the composite that a user names.

    Args:
        rule: a name of ``COMPOSITES``; an ``LRPRule`` for all linear operations; or a dictionary from ``POSITIONS`` to rules,
            by name or as objects.
        settings: the numbers of the rules.
        allow_gradient: as for ``LRPComposite``.

    Raises:
        InputError: if it is none of these.
    """
    if isinstance(rule, LRPRule):
        rule = {"convolution": rule, "linear": rule}
    elif isinstance(rule, str) and rule in COMPOSITES:
        rule = COMPOSITES[rule]
    if not isinstance(rule, Mapping):
        raise InputError(f"`rule` (={shown(rule)}) must be an LRPRule, a dictionary, or one of {_listed(rule, COMPOSITES)}")
    for position in rule:
        if position not in POSITIONS:
            raise InputError(f"`rule`: the key {position!r} must be one of {', '.join(POSITIONS)}")
    first, attention = rule.get("first"), rule.get("attention", "attn")
    if attention not in ("attn", "cp"):
        raise InputError(f"`rule`: attention (={shown(attention)}) must be one of attn, cp")
    return LRPComposite(
        _named_rule("convolution", rule.get("convolution", "epsilon"), settings, RULES, LRPRule),
        _named_rule("linear", rule.get("linear", "epsilon"), settings, RULES, LRPRule),
        None if first is None else _named_rule("first", first, settings, FIRST_LAYER_RULES, FirstLayerRule),
        attention,
        min(settings.epsilon, STABILIZER),
        allow_gradient,
    )


def _named_rule(position: str, rule: Any, settings: LRPSettings, named: Mapping[str, Any], kind: type[Any]) -> Any:
    if isinstance(rule, kind):
        return rule
    if not isinstance(rule, str) or rule not in named:
        raise InputError(f"`rule`: {position} (={shown(rule)}) must be a {kind.__name__}, or one of {_listed(rule, named)}")
    return named[rule](settings)


def _listed(name: Any, known: Mapping[str, Any]) -> str:
    """List names for an error, with the one most similar to a wrong name."""
    similar = difflib.get_close_matches(str(name), known, 1) if isinstance(name, str) else []
    return f"{', '.join(known)}{f'. Did you mean {similar[0]!r}?' if similar else ''}"

"""keras-vis's modifiers of the backward pass, which are rules of ReLUs here: the model is neither saved nor changed."""

import inspect
from typing import Any

from saliency.core.errors import InputError
from saliency.core.types import Rule

guided, rectified = "guided", "rectified"
relu = deconv = rectified
"""Other names of the same."""

RULES: dict[str, Rule] = {"guided": "guided", "rectified": "rectified", "relu": "rectified", "deconv": "rectified"}

FORMS = (
    f"one of {', '.join(RULES)}, a callable with one parameter (from a model to a model), one with two (from the gradient at "
    "a ReLU, and what the ReLU gave, to the gradient that passes), or None"
)


def modified(model: Any, backprop_modifier: Any) -> tuple[Any, Rule | None]:
    """Return the model that is explained, and the rule by which its gradients pass ReLUs.

    Args:
        model: of any kind.
        backprop_modifier: see ``FORMS``. Parameters with a default do not count.

    Raises:
        InputError: if it is none of these.
    """
    if backprop_modifier is None:
        return model, None
    if isinstance(backprop_modifier, str) and backprop_modifier in RULES:
        return model, RULES[backprop_modifier]
    wanted = _parameters(backprop_modifier)
    if wanted == 1:
        return backprop_modifier(model), None
    if wanted == 2:
        rule: Rule = backprop_modifier
        return model, rule
    raise InputError(f"`backprop_modifier` (={backprop_modifier!r}) must be {FORMS}")


def _parameters(function: Any) -> int | None:
    """Return how many values a callable must be given; None for what is no callable, or does not say."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in kinds and one.default is one.empty for one in parameters)

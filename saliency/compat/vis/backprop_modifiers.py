"""keras-vis's backprop modifiers, applied as ReLU rules: the model is neither saved nor changed."""

import inspect
from typing import Any

from saliency.core.errors import InputError
from saliency.core.types import Rule
from saliency.core.validation import shown

guided, rectified = "guided", "rectified"
relu = deconv = rectified
"""keras-vis's synonyms of ``rectified``."""

RULES: dict[str, Rule] = {"guided": "guided", "rectified": "rectified", "relu": "rectified", "deconv": "rectified"}

ALLOWED = (
    f"one of {', '.join(RULES)}, a callable with one parameter (maps a model to a model), a callable with two parameters "
    "(maps the gradient at a ReLU and the ReLU's output to the gradient to propagate), or None"
)


def apply_backprop_modifier(model: Any, backprop_modifier: Any) -> tuple[Any, Rule | None]:
    """Return the model to explain and the rule for gradients at its ReLUs.

    Args:
        model: any supported model.
        backprop_modifier: see ``ALLOWED``. Parameters with a default value are not counted.

    Raises:
        InputError: if ``backprop_modifier`` has another form.
    """
    if backprop_modifier is None:
        return model, None
    if isinstance(backprop_modifier, str) and backprop_modifier in RULES:
        return model, RULES[backprop_modifier]
    parameters = _count_parameters(backprop_modifier)
    if parameters == 1:
        return backprop_modifier(model), None
    if parameters == 2:
        rule: Rule = backprop_modifier
        return model, rule
    raise InputError(f"`backprop_modifier` (={shown(backprop_modifier)}) must be {ALLOWED}")


def _count_parameters(function: Any) -> int | None:
    """Count a callable's required positional parameters; return None if it has no readable signature."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in kinds and one.default is one.empty for one in parameters)

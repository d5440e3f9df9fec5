"""The options of a method: the parameters of its ``masks`` after the score and the inputs."""

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from saliency.core.errors import InputError
from saliency.core.types import Array
from saliency.core.validation import boolean

if TYPE_CHECKING:
    from saliency.core.score import Score

CONSTRUCTOR_OPTIONS = ("y", "batch_size", "logits", "modifier")
"""Options of the constructor that a call does not accept."""

SMOOTHING_OPTIONS = (
    "stdev_spread", "nsamples", "magnitude", "seed", "average", "antithetic", "standard_error", "tolerance", "max_samples",
)  # fmt: skip
"""Options of smoothing; see ``Smoothing.of``."""


def option_names(masks: Callable[..., Array]) -> list[str]:
    """Return the names of a method's options in order; ``masks`` is bound to a mask or a function of its class."""
    return _cached_option_names(getattr(masks, "__func__", masks), hasattr(masks, "__func__"))


@cache  # reading a signature takes noticeable time if a pass takes milliseconds
def _cached_option_names(function: Callable[..., Array], bound: bool) -> list[str]:
    names = list(inspect.signature(function).parameters)
    return names[2 + (bound or names[:1] == ["self"]) :]  # after the score and the inputs


def bind_options(
    masks: Callable[..., Array], owner: str, defaults: Mapping[str, Any], options: Mapping[str, Any]
) -> "Callable[[Score, Array], Array]":
    """Return ``masks`` with its options bound.

    Args:
        masks: the method.
        owner: name of its class, for an error.
        defaults: options from the constructor.
        options: options of this call, which take precedence.

    Raises:
        InputError: if the method has no such option, or a value for a boolean option is not a boolean.
    """
    known = option_names(masks)
    for name in (*defaults, *options):
        if name in known:
            continue
        if name in CONSTRUCTOR_OPTIONS:
            raise InputError(f"`{name}` is not an option of {owner}'s calls; pass it to the constructor")
        if name in SMOOTHING_OPTIONS:
            raise InputError(f"`{name}` is not an option of {owner}; pass it to GetSmoothedMask")
        if name in ("target", "class_idx", "category"):
            raise InputError(f"`{name}` is not an option of {owner}; the target is called `y`")
        near = difflib.get_close_matches(name, [*known, *CONSTRUCTOR_OPTIONS, *SMOOTHING_OPTIONS], n=1)
        meant = f"; did you mean `{near[0]}`?" if near else "."
        raise InputError(
            f"`{name}` is not an option of {owner}{meant} Options of {owner}: {', '.join(known) or 'none'}; "
            f"of the constructor: {', '.join(CONSTRUCTOR_OPTIONS)}; of GetSmoothedMask: {', '.join(SMOOTHING_OPTIONS)}"
        )
    chosen = {**defaults, **options}
    check_booleans(masks, chosen)
    return partial(masks, **chosen)


def check_booleans(function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Check the options that the signature of a function declares as ``bool``.

    Raises:
        InputError: if one of them is not a boolean.
    """
    for name in _boolean_options(getattr(function, "__func__", function)) & options.keys():
        boolean(name, options[name])


@cache
def _boolean_options(function: Callable[..., Any]) -> frozenset[str]:
    return frozenset(name for name, one in inspect.signature(function).parameters.items() if one.annotation in (bool, "bool"))


def options_by_name(
    masks: Callable[..., Array], owner: str, values: Sequence[Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the options of a call by name; the first ones may have been passed by position.

    Raises:
        InputError: if there are too many, or one is passed twice.
    """
    known = option_names(masks)
    twice = [name for name in known[: len(values)] if name in options]
    if twice or len(values) > len(known):
        problem = f"`{twice[0]}` is passed twice" if twice else f"{len(values)} option(s) are passed by position"
        raise InputError(f"{problem}; {owner} accepts: {', '.join(known) or 'no options'}")
    return {**dict(zip(known, values, strict=False)), **options}

"""A method's own options: the parameters of its ``masks`` behind the score and the inputs."""

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from saliency.core.errors import InputError
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import boolean

SETTINGS = ("y", "batch_size", "logits", "modifier")
"""What the constructor takes, and no call."""

SMOOTHING = (
    "stdev_spread", "nsamples", "magnitude", "seed", "average", "antithetic", "standard_error", "tolerance", "max_samples",
)  # fmt: skip
"""What smoothing takes; ``Smoothing.of`` tells what it is."""


def names_of(masks: Callable[..., Array]) -> list[str]:
    """Return the options of a method in order; it may be a mask's, or its class's."""
    return _names(getattr(masks, "__func__", masks), hasattr(masks, "__func__"))


@cache  # reading a signature is felt where a pass takes milliseconds
def _names(function: Callable[..., Array], bound: bool) -> list[str]:
    names = list(inspect.signature(function).parameters)
    return names[2 + (bound or names[:1] == ["self"]) :]  # behind the score and the inputs


def with_options(
    masks: Callable[..., Array], owner: str, defaults: Mapping[str, Any], options: Mapping[str, Any]
) -> Callable[[Score, Array], Array]:
    """Return ``masks`` with its options in place.

    Args:
        masks: the method.
        owner: its class's name, for an error.
        defaults: from the constructor.
        options: of this call, which go first.

    Raises:
        InputError: if the method has no such option, or one is a boolean there and not here.
    """
    known = names_of(masks)
    for name in (*defaults, *options):
        if name in known:
            continue
        if name in SETTINGS:
            raise InputError(f"`{name}` is not an option of {owner}'s calls; the constructor takes it")
        if name in SMOOTHING:
            raise InputError(f"`{name}` is not an option of {owner}'s own; GetSmoothedMask takes it")
        if name in ("target", "class_idx", "category"):
            raise InputError(f"`{name}` is not an option of {owner}; what is explained is called `y` here")
        near = difflib.get_close_matches(name, [*known, *SETTINGS, *SMOOTHING], n=1)
        meant = f"; did you mean `{near[0]}`?" if near else "."
        raise InputError(
            f"`{name}` is not an option of {owner}{meant} Its own: {', '.join(known) or 'none'}; "
            f"the constructor's: {', '.join(SETTINGS)}; GetSmoothedMask's: {', '.join(SMOOTHING)}"
        )
    chosen = {**defaults, **options}
    check_booleans(masks, chosen)
    return partial(masks, **chosen)


def check_booleans(function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Check those of a function's options that its signature says are ``bool``.

    Raises:
        InputError: if one is anything else.
    """
    for name in _booleans(getattr(function, "__func__", function)) & options.keys():
        boolean(name, options[name])


@cache
def _booleans(function: Callable[..., Any]) -> frozenset[str]:
    return frozenset(name for name, one in inspect.signature(function).parameters.items() if one.annotation in (bool, "bool"))


def in_order(masks: Callable[..., Array], owner: str, values: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a call, of which some were given by position.

    Raises:
        InputError: if there are too many, or one is given twice.
    """
    known = names_of(masks)
    twice = [name for name in known[: len(values)] if name in options]
    if twice or len(values) > len(known):
        what = f"`{twice[0]}` is given twice" if twice else f"{len(values)} options are given by position"
        raise InputError(f"{what}; {owner}'s options: {known or 'none'}")
    return {**dict(zip(known, values, strict=False)), **options}

"""Draw random calls of public functions: at most three options are awkward values, all others valid or left out."""

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from tests.fuzz.awkward_values import awkward_values

AWKWARD_OPTIONS = (0, 1, 1, 1, 2, 3)
"""Numbers of awkward options in a call: mostly one, so that the call gets as far as this option."""


@dataclass(frozen=True)
class PublicCall:
    """A public function with valid values of its options.

    Args:
        function: accepts the options by name.
        valid: option -> valid values.
        check: receives the result; raises an ``AssertionError`` if it is wrong.
        never: option -> names of the awkward values that are not passed, because they are valid and take too long.
    """

    function: Callable[..., Any]
    valid: Mapping[str, Sequence[Any]]
    check: Callable[[Any], None] | None = None
    never: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Drawn:
    """A random call: its text, the call itself, and the check of its result."""

    text: str
    run: Callable[[], Any]
    check: Callable[[Any], None] | None


@cache
def _awkward():
    return awkward_values()


def _make(which):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a type that its own library will drop
        return _awkward()[which]()


@cache
def _has_default(function, option):
    parameters = inspect.signature(function).parameters
    return option not in parameters or parameters[option].default is not inspect.Parameter.empty


def draw_call(calls, choose):
    """Return a random call.

    Args:
        calls: name -> ``PublicCall``.
        choose: returns one element of a sequence.
    """
    name = choose(tuple(calls))
    call, options, words = calls[name], {}, []
    awkward = {choose(tuple(call.valid)) for _ in range(choose(AWKWARD_OPTIONS))}
    for option, valid in call.valid.items():
        if option in awkward:
            which = choose(tuple(name for name in _awkward() if name not in call.never.get(option, ())))
            options[option], word = _make(which), which
        elif choose((True, False)) or not _has_default(call.function, option):
            place = choose(tuple(range(len(valid))))
            options[option], word = valid[place], f"valid[{place}]"
        else:
            continue
        words.append(f"{option}={word}")
    return Drawn(f"{name}({', '.join(words)})", partial(call.function, **options), call.check)

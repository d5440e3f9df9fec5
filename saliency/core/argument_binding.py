"""Pass the explained input and the other inputs to the arguments of a model, by name."""

import difflib
import inspect
from collections.abc import Collection, Mapping
from typing import Any

from saliency.core.errors import InputError
from saliency.core.validation import as_index, shown

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class ArgumentBinding:
    """Arguments of a call, of which one or several are explained.

    Args:
        parameters: parameters of the function that is called, by name; see ``parameters_of``.
        input: the explained input: the name or position of an argument, or a key of the dictionary that the function accepts
            as its only required argument. None means the first argument. A tuple means several inputs by name.
        function: the function in words, for an error.

    Raises:
        InputError: if there is no such argument.
    """

    def __init__(
        self,
        parameters: Mapping[str, inspect.Parameter],
        input: str | int | tuple[str, ...] | None = None,
        function: str = "the model's forward method",
    ) -> None:
        self._function = function
        self.names = [name for name, one in parameters.items() if one.kind in POSITIONAL]
        keyword_only = [name for name, one in parameters.items() if one.kind == inspect.Parameter.KEYWORD_ONLY]
        self._keywords = [*self.names, *keyword_only]
        self._required = [name for name in self._keywords if parameters[name].default is inspect.Parameter.empty]
        self._open_ended = any(one.kind == inspect.Parameter.VAR_KEYWORD for one in parameters.values())
        self.input: str | None = None
        self._in_dictionary = False
        if isinstance(input, tuple):
            self._choose_several(input)
        elif input is not None and as_index(input) != 0:
            self._choose(input if as_index(input) is None else as_index(input))

    def bind(self, x: Any, feed: Mapping[str, Any]) -> Arguments:
        """Return the positional and keyword arguments for an input and the other inputs by name."""
        if self.input is None:
            return (x,), dict(feed)
        if not self._in_dictionary:
            return (), {self.input: x, **feed}
        arguments = {name: value for name, value in feed.items() if name in self._keywords}
        return ({self.input: x, **{name: value for name, value in feed.items() if name not in self._keywords}},), arguments

    def check_given(self, given: Collection[str]) -> None:
        """Check that no required argument is missing.

        Raises:
            InputError: if one is neither explained nor among the names ``given``.
        """
        check_nothing_missing(self.missing(given))

    def missing(self, given: Collection[str]) -> list[str]:
        """Return the required arguments that are neither explained nor among the names ``given``."""
        explained = self._required[:1] if self._in_dictionary else self.names[:1] if self.input is None else [self.input]
        return [name for name in self._required if name not in explained and name not in given]

    def hint(self, given: Collection[str]) -> str:
        """Return a hint for a failed call with the other inputs ``given``, or an empty string."""
        if self._in_dictionary:
            return (
                f". `input` (={self.input!r}) is not an argument of {self._function} "
                f"({', '.join(sorted(self._keywords))}), so the model received a dictionary with this key"
            )
        missing = ", ".join(map(repr, self.missing(given)))
        return f". Pass the missing input {missing} by name in `feed_dict`" if missing else ""

    def _choose(self, choice: Any) -> None:
        if isinstance(choice, int) and 0 <= choice < len(self.names):
            self.input = self.names[choice]
        elif isinstance(choice, str) and choice and self._is_argument(choice):
            self.input = choice
        elif isinstance(choice, str) and choice and (len(self._required) == 1 or len(self.names) == 1):
            self.input, self._in_dictionary = choice, True
        else:
            raise InputError(
                f"`input` (={shown(choice)}) must be the name or position of an argument of {self._function}: "
                f"{', '.join(map(repr, self._keywords)) or 'it names none'}{nearest_hint(choice, self._keywords)}"
            )

    def _choose_several(self, names: Collection[str]) -> None:
        """Choose several inputs: arguments, or keys of one dictionary."""
        wrong = [name for name in names if not isinstance(name, str)]
        if wrong or not names:
            raise InputError(f"`input` (={shown(wrong[0] if wrong else names)}) must hold names of inputs, which are strings")
        unknown = [name for name in names if not self._is_argument(name)]
        if unknown and (len(unknown) < len(names) or len(self._required) != 1):
            raise InputError(
                f"`x_value` names the input {shown(unknown[0])}, but the arguments of {self._function} are "
                f"{', '.join(map(repr, self._keywords)) or 'not named'}{nearest_hint(unknown[0], self._keywords)}"
            )
        self.input, self._in_dictionary = next(iter(names)), bool(unknown)

    def _is_argument(self, name: str) -> bool:
        return name in self._keywords or (self._open_ended and len(self._required) != 1)


def check_nothing_missing(missing: Collection[str]) -> None:
    """Raise an ``InputError`` if inputs that the model requires are missing."""
    if missing:
        raise InputError(
            f"the model's input {', '.join(map(repr, missing))} is missing: add it to `x_value` to explain it, or to "
            "`feed_dict` to pass it"
        )


def nearest_hint(name: Any, known: Collection[str]) -> str:
    """Return a hint on the known name that is nearest to an unknown one, or an empty string."""
    nearest = difflib.get_close_matches(shown(name), known, 1)
    return f"; nearest: {nearest[0]!r}" if nearest else ""


def parameters_of(function: Any, without: Collection[str] = ()) -> dict[str, inspect.Parameter]:
    """Return the parameters of a callable by name; of one without a signature, any keyword arguments."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {"inputs": inspect.Parameter("inputs", inspect.Parameter.VAR_KEYWORD)}
    return {name: one for name, one in parameters.items() if name not in without}

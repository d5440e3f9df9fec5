"""Command-line options in DNNBrain's syntax: one dash, full names, negative numbers as values."""

import argparse
import ast
import difflib
import re
from collections.abc import Sequence
from typing import Any, NoReturn

import saliency

NEGATIVE_NUMBER = re.compile(r"^-(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|^-(inf|nan)$", re.IGNORECASE)


MAX_WORD = 1000  # characters
LONG_WORD = re.compile(rf"\S{{{MAX_WORD},}}")


class CommandError(Exception):
    """An error that ends a command with one line and exit status 2.

    Args:
        message: the line; long words are shortened.
    """

    def __init__(self, message: str) -> None:
        super().__init__(shorten_words(message))


def shorten_words(message: str) -> str:
    """Shorten the words of more than 1000 characters in an error, such as the value of an option."""
    return LONG_WORD.sub(lambda word: f"{word[0][:100]}...{word[0][-20:]}", message)


class OptionParser(argparse.ArgumentParser):
    """Parse options such as ``-layer fc3 -chn 294 23 -vmin -1e-3``.

    Names must be written in full, with one dash or two.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **settings)
        self._negative_number_matcher = NEGATIVE_NUMBER  # argparse's own pattern does not match -1e-3

        self.add_argument("-version", action="version", version=f"{self.prog} {saliency.__version__}", help="show the version")

    def add_option(self, name: str, **settings: Any) -> None:
        """Add the option ``-name``."""
        self.add_argument(f"-{name}", **settings)

    def add_debug_option(self) -> None:
        """Add ``-debug``, the option that makes ``run_command`` raise errors."""
        self.add_option("debug", action="store_true", help="show the full traceback of an error")

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse the arguments of a command.

        Raises:
            CommandError: if an argument is invalid. For an unknown option, the message suggests the nearest one.
        """
        options = self._option_string_actions
        words = [word[1:] if word.startswith("--") and word[1:].partition("=")[0] in options else word for word in arguments]
        for word in words:
            name = word.partition("=")[0]
            if word.startswith("-") and not NEGATIVE_NUMBER.match(word) and name not in options:
                nearest = difflib.get_close_matches(name, options, n=1, cutoff=0.3)
                raise CommandError(f"unknown option {name}" + (f"; did you mean {nearest[0]}?" if nearest else ""))
        return self.parse_args(words)

    def error(self, message: str) -> NoReturn:
        """Raise argparse's error message, without its usage text and exit.

        Raises:
            CommandError: always.
        """
        raise CommandError(message)


def check_distinct(option: str, values: Sequence[Any], noun: str) -> None:
    """Check that the values of an option are all different.

    Args:
        option: name of the option.
        values: its values.
        noun: what a value is called in the error message.

    Raises:
        CommandError: if a value is given twice.
    """
    if len(set(values)) < len(values):
        raise CommandError(f"-{option} ({' '.join(map(str, values))}) names a {noun} twice")


def channel_number(word: str) -> int:
    """Parse the number of a channel, counting from 1.

    Raises:
        argparse.ArgumentTypeError: if it is not a whole number of at least 1.
    """
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"invalid channel {word!r}: must be a whole number, counting from 1")
    return int(word)


def positive_integer(word: str) -> int:
    """Parse a whole number of at least 1.

    Raises:
        argparse.ArgumentTypeError: if it is anything else.
    """
    return _integer(word, 1)


def nonnegative_integer(word: str) -> int:
    """Parse a whole number of at least 0.

    Raises:
        argparse.ArgumentTypeError: if it is anything else.
    """
    return _integer(word, 0)


def _integer(word: str, minimum: int) -> int:
    if not word.isdecimal() or int(word) < minimum:
        raise argparse.ArgumentTypeError(f"invalid value {word!r}: must be a whole number, at least {minimum}")
    return int(word)


def name_value(word: str) -> tuple[str, Any]:
    """Parse ``name=value``, where the value is a Python literal (a number, a list, True, None) or any other string.

    Raises:
        argparse.ArgumentTypeError: if there is no name.
    """
    name, equals, value = word.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"invalid value {word!r}: must be NAME=VALUE")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def finite_number(word: str) -> float:
    """Parse a finite number.

    Raises:
        argparse.ArgumentTypeError: if it is anything else.
    """
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise argparse.ArgumentTypeError(f"invalid value {word!r}: must be a finite number")
    return value

"""Options in DNNBrain's spelling: one dash, whole names, numbers that may be negative."""

import argparse
import ast
import difflib
import re
from collections.abc import Sequence
from typing import Any, NoReturn

NUMBER = re.compile(r"^-(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|^-(inf|nan)$", re.IGNORECASE)


class Refused(Exception):  # noqa: N818 - a refusal, as the exit status names it
    """A command that is stopped before any work: one line, exit status 2."""


class Parser(argparse.ArgumentParser):
    """An argument parser for ``-layer fc3 -chn 294 23 -vmin -1e-3``; ``--layer`` works too, ``-lay`` does not."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **settings)
        self._negative_number_matcher = NUMBER  # argparse's own takes -1e-3 for an option

    def option(self, name: str, **settings: Any) -> None:
        """Add ``-name``."""
        self.add_argument(f"-{name}", **settings)

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse; a name that is not an option's whole name is refused with the nearest one.

        Raises:
            Refused: if an option is unknown.
        """
        known = self._option_string_actions
        words = [word[1:] if word.startswith("--") and word[1:].partition("=")[0] in known else word for word in arguments]
        for word in words:
            name = word.partition("=")[0]
            if word.startswith("-") and not NUMBER.match(word) and name not in known:
                near = difflib.get_close_matches(name, known, n=1, cutoff=0.3)
                raise Refused(f"{name} is no option" + (f"; did you mean {near[0]}?" if near else ""))
        return self.parse_args(words)

    def error(self, message: str) -> NoReturn:
        """Refuse, as for every other fault, with the message alone.

        Raises:
            Refused: always.
        """
        raise Refused(message)


def channel(word: str) -> int:
    """Read a channel's number, which counts from 1.

    Raises:
        argparse.ArgumentTypeError: if it is not a whole number, 1 or more.
    """
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"(={word!r}) must be a whole number, 1 or more: channels count from 1")
    return int(word)


def count(word: str) -> int:
    """Read a number of things.

    Raises:
        argparse.ArgumentTypeError: if it is not a whole number, 1 or more.
    """
    if whole(word) < 1:
        raise argparse.ArgumentTypeError(f"(={word!r}) must be a whole number, 1 or more")
    return int(word)


def whole(word: str) -> int:
    """Read a number of things that may be none.

    Raises:
        argparse.ArgumentTypeError: if it is not a whole number, 0 or more.
    """
    if not word.isdecimal():
        raise argparse.ArgumentTypeError(f"(={word!r}) must be a whole number, 0 or more")
    return int(word)


def setting(word: str) -> tuple[str, Any]:
    """Read ``name=value``: a number, a list, True, None, or else a word.

    Raises:
        argparse.ArgumentTypeError: if there is no name.
    """
    name, equals, value = word.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"(={word!r}) must be NAME=VALUE")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def finite(word: str) -> float:
    """Read a finite number.

    Raises:
        argparse.ArgumentTypeError: if it is another.
    """
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise argparse.ArgumentTypeError(f"(={word!r}) must be a finite number")
    return value

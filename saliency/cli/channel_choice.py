"""What the maps of a row explain: a channel, each image's top channel or label, or the difference of two of them."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

TOP, TARGET = "top", "target"
RULE = (
    "must be a whole number, counting from 1; top, each image's top class; target, its class in the stimulus file; or a "
    "difference of two, such as 340-21"
)

Term = int | str


@dataclass(frozen=True, repr=False)
class ChannelChoice:
    """A value of ``-chn``.

    Args:
        one: the number of a channel, counting from 1; ``top`` or ``target`` for a channel of each image.
        other: the channel that is subtracted, in the same form; None if there is none.
    """

    one: Term
    other: Term | None = None

    @classmethod
    def parse(cls, word: str) -> "ChannelChoice":
        """Parse a word such as ``294``, ``top`` or ``340-21``.

        Raises:
            argparse.ArgumentTypeError: if it is none of them.
        """
        terms = [_parse_term(part) for part in word.split("-")]
        if len(terms) > 2 or None in terms or len(set(terms)) < len(terms):
            raise argparse.ArgumentTypeError(f"invalid channel {word!r}: {RULE}")
        return cls(*(term for term in terms if term is not None))

    def __repr__(self) -> str:
        return "-".join(map(str, self.terms))

    @property
    def terms(self) -> tuple[Term, ...]:
        """One term, or the two of a difference."""
        return (self.one,) if self.other is None else (self.one, self.other)

    @property
    def varies(self) -> bool:
        """Whether the images have different channels."""
        return TOP in self.terms or TARGET in self.terms

    @property
    def name(self) -> str:
        """The name of its maps in a file, such as ``chn294``, ``chn340-21`` or ``top``."""
        return str(self) if isinstance(self.one, str) else f"chn{self}"

    def channels(self, top: int | None, label: int | None) -> tuple[int, ...]:
        """Return the channels of an image, counting from 1.

        Args:
            top: its top channel, if it is needed.
            label: the channel of its label, if it is needed.
        """
        chosen = {TOP: top, TARGET: label}
        numbers = [chosen[term] if isinstance(term, str) else term for term in self.terms]
        return tuple(number for number in numbers if number is not None)


@dataclass(frozen=True)
class TargetRow:
    """The channels that a row of maps explains.

    Args:
        choice: what selected them.
        channels: one entry for each of n images: (channel,), or (channel, channel that is subtracted), counting from 1.
    """

    choice: ChannelChoice
    channels: Sequence[tuple[int, ...]]


def _parse_term(part: str) -> Term | None:
    """Return a term, or None if it has no valid form."""
    if part in (TOP, TARGET):
        return part
    return int(part) if part.isdecimal() and int(part) > 0 else None

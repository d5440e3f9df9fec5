"""A row of the page: a stimulus, its numbers and its thumbnails."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from saliency.cli.page.thumbnails import Size


@dataclass
class Row:
    """What the page says of a stimulus.

    Args:
        number: of the stimulus in its file, from 1.
        name: its stimID.
        size: of its thumbnails.
        picture: its thumbnail as text; None if it could not be read.
        scores: of the channels; None for one that is not finite.
        agreement: of the methods, plain and, if that is asked for, smoothed, for each channel; None where there is none.
        maps: their thumbnails, plain and smoothed, for each column; None for one that failed.
        failure: why something is missing.
    """

    number: int
    name: str
    size: Size = (1, 1)
    picture: str | None = None
    scores: Sequence[float | None] = ()
    agreement: list[list[float | None]] = field(default_factory=list)
    maps: list[list[str | None]] = field(default_factory=list)
    failure: str | None = None


def number(value: float) -> float | None:
    """Return a number with what digits a reader looks at; None for one that JSON does not know."""
    return float(f"{value:.4g}") if math.isfinite(value) else None

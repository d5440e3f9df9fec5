"""A row of the page: a stimulus, its label and prediction, its scores and its thumbnails."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from saliency.cli.report.thumbnails import Size


@dataclass
class Row:
    """The contents of a row.

    Args:
        number: number of the stimulus in its file, counting from 1.
        name: its stimID.
        size: (width, height) of its thumbnails.
        picture: its thumbnail, encoded as text; None if the image could not be read.
        label: name of its class in the stimulus file; None if the file has no classes.
        prediction: name of its top class; None if the explained layer is not a classifier's output.
        prediction_score: the score of its top class.
        is_wrong: whether the top class is another one than that of the file; None if one of them is not known.
        targets: what the maps of each group of columns explain, such as ``zebra``.
        scores: the score of each group of columns; None if it is not finite.
        agreement: the agreement of the methods for each group: [plain], or [plain, smoothed]; None if it is undefined.
        metrics: for each group, method and metric [plain], or [plain, smoothed]; None if it is undefined, or was not computed.
        maps: the thumbnails for each column: [plain], or [plain, smoothed]; None for a map that failed.
        failure: why something is missing.
    """

    number: int
    name: str
    size: Size = (1, 1)
    picture: str | None = None
    label: str | None = None
    prediction: str | None = None
    prediction_score: float | None = None
    is_wrong: bool | None = None
    targets: Sequence[str] = ()
    scores: Sequence[float | None] = ()
    agreement: list[list[float | None]] = field(default_factory=list)
    metrics: list[list[list[list[float | None]]]] = field(default_factory=list)
    maps: list[list[str | None]] = field(default_factory=list)
    failure: str | None = None


def round_for_json(value: float) -> float | None:
    """Return a number with four significant digits; None if it is not finite, which JSON cannot represent."""
    return float(f"{value:.4g}") if math.isfinite(value) else None

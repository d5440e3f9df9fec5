"""Order segments by their mean attribution, and give each pixel that of the segment that covers it first."""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from saliency.core.regions.segments import Segments

Floats: TypeAlias = npt.NDArray[np.float64]
Pixels: TypeAlias = npt.NDArray[np.int64]
Growth: TypeAlias = Literal["full", "fast"]
"""``full``: after each segment, compare the means of what the others would add; ``fast``: compare whole segments once."""


class GrownMap(NamedTuple):
    """The mean attribution of the part of an image that each pixel belongs to, and the rank of this part, both (H, W).

    The parts are the pixels that each segment added, and those that no segment covers, which have the last rank. The ranks
    start at 1, the part with the largest mean.
    """

    means: Floats
    ranks: npt.NDArray[np.int64]


def grow(attribution: Floats, segments: Segments, kind: Growth, min_pixels: int, area: float) -> GrownMap:
    """Cover an image with segments, in descending order of their mean attribution.

    Args:
        attribution: (H, W).
        segments: (segments, H * W).
        kind: see ``Growth``.
        min_pixels: segments that would add fewer pixels are skipped.
        area: stop when more than this fraction of the image is covered; ``"fast"`` always covers it all.
    """
    values = attribution.ravel().astype(np.float64)
    covered = np.zeros(values.size, bool)
    parts: list[Pixels] = []
    order: Callable[[Floats, Segments, int], Iterator[Pixels]] = _full if kind == "full" else _fast
    for pixels in order(values, segments, min_pixels):
        covered[pixels] = True
        parts.append(pixels)
        if kind == "full" and covered.mean() > area:
            break
    gains = [float(values[pixels].mean()) for pixels in parts]
    parts, rest = [parts[i] for i in np.argsort(np.negative(gains), kind="stable")], np.flatnonzero(~covered)
    means, ranks = np.zeros(values.size), np.zeros(values.size, np.int64)
    for rank, pixels in enumerate([*parts, rest] if rest.size else parts, start=1):
        means[pixels], ranks[pixels] = values[pixels].mean(), rank
    return GrownMap(means.reshape(attribution.shape), ranks.reshape(attribution.shape))


def _full(values: Floats, segments: Segments, min_pixels: int) -> Iterator[Pixels]:
    """Yield the pixels that each segment adds; the largest mean of the added pixels is the next."""
    by_pixel, free = np.ascontiguousarray(segments.T), np.ones(values.size, bool)
    counts, sums = segments.sum(axis=1).astype(np.float64), np.array([values[one].sum() for one in segments])
    while (counts >= min_pixels).any():
        means = np.where(counts >= min_pixels, sums / np.maximum(counts, 1), -np.inf)
        pixels = np.flatnonzero(segments[int(np.argmax(means))] & free)
        free[pixels] = False
        added = np.stack([np.ones(pixels.size), values[pixels]]) @ by_pixel[pixels].astype(np.float64)  # (2, segments)
        counts, sums = counts - added[0], sums - added[1]
        yield pixels


def _fast(values: Floats, segments: Segments, min_pixels: int) -> Iterator[Pixels]:
    """Yield the pixels that each segment adds; the order is that of the means of whole segments."""
    free, means = np.ones(values.size, bool), [values[one].mean() for one in segments]
    for i in np.argsort(np.negative(means), kind="stable"):
        pixels = np.flatnonzero(segments[i] & free)
        if pixels.size >= min_pixels:
            free[pixels] = False
            yield pixels

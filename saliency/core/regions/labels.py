"""Labels of the regions of N inputs, from what a user passes as ``regions``."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from saliency.core.channel_axis import input_axes
from saliency.core.errors import InputError, SaliencyError
from saliency.core.per_sample import PerSample
from saliency.core.regions.felzenszwalb import Labels, felzenszwalb_labels
from saliency.core.regions.segmentation import Picture, grid_labels, slic_labels, unit_range
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import shown, whole_number

DEFAULT_REGIONS = 49
SCALE = 250  # of felzenszwalb: a few dozens of segments of a photograph
LARGEST_LABEL = 2**53  # whole numbers up to it are exact in double precision
SEGMENTATIONS = ("grid", "slic", "felzenszwalb")

Regions: TypeAlias = Any
"""``"grid"``, ``"slic"``, ``"felzenszwalb"``, an array of labels, a PIL image, a callable, or ``PerSample`` of these."""


def region_labels(regions: Regions, n_regions: Any, score: Score, x: Array) -> tuple[Labels, Score]:
    """Return the regions of N inputs.

    Args:
        regions: how to divide an input into regions, along its spatial axes:

            - ``"grid"``: even cells, as many along each axis,
            - ``"slic"``: superpixels of a picture or volume,
            - ``"felzenszwalb"``: segments of similar color of a picture,
            - an array of whole numbers (*space), 0 or more, such as an atlas, or a PIL image that holds them,
            - a callable from a picture (*space, channels), scaled to 0 to 1, to such an array,
            - ``PerSample`` with one of these for each input.
        n_regions: approximate number of regions of ``"grid"`` and ``"slic"``; None means 49.
        score: the score of the inputs.
        x: (N, *input).

    Returns:
        Labels (N, *space), which count the regions of each input from 0 in the order of the user's labels; and the score,
        in which samples share a pass only if they have the same regions.

    Raises:
        InputError: if an option is invalid, or an input has only one region.
    """
    axes = input_axes(score.adapter, x)
    n = DEFAULT_REGIONS if n_regions is None else whole_number("n_regions", n_regions, least=2)
    read = _Reader(tuple(int(x.shape[axis]) for axis in axes), axes, n, n_regions is not None)
    if not isinstance(regions, PerSample):
        each = read.each(regions, score, x[:: score.per_input])
        return np.repeat(np.stack(each), score.per_input, axis=0), score
    rows = [read.each(regions.values[sample], score, x[i : i + 1])[0] for i, sample in enumerate(score.samples)]
    return np.stack(rows), replace(score, per_input=1)


class _Reader:
    """Reads regions as labels.

    Args:
        space: lengths of the spatial axes.
        axes: the spatial axes of a batch of inputs.
        n_regions: approximate number of regions.
        counted: whether the user passed this number.
    """

    def __init__(self, space: tuple[int, ...], axes: tuple[int, ...], n_regions: int, counted: bool) -> None:
        self.space, self.axes, self.n_regions, self.counted = space, axes, n_regions, counted

    def each(self, regions: Regions, score: Score, x: Array) -> list[Labels]:
        """Return the labels (*space) of each input of x (n, *input)."""
        if self.counted and not (isinstance(regions, str) and regions in ("grid", "slic")):
            raise InputError(f'`n_regions` (={self.n_regions}) is an option of regions="grid" and "slic" only')
        segment = self._segmentation(regions)
        if segment is None:
            labels = self._checked(self._grid() if isinstance(regions, str) else regions, regions)
            return [labels] * int(x.shape[0])
        pictures = np.moveaxis(score.adapter.numpy(x), self.axes, range(1, len(self.axes) + 1))
        pictures = pictures.reshape(len(pictures), *self.space, -1)
        return [self._checked(_segmented(segment, unit_range(one)), regions) for one in pictures]

    def _grid(self) -> Labels:
        return grid_labels(self.space, max(1, round(self.n_regions ** (1 / len(self.space)))))

    def _segmentation(self, regions: Regions) -> Callable[[Picture], Any] | None:
        """Return the function that divides a picture; None if all inputs have the same regions."""
        if not isinstance(regions, str):
            return regions if callable(regions) else None
        if regions not in SEGMENTATIONS:
            names = ", ".join(f'"{name}"' for name in SEGMENTATIONS)
            raise InputError(f"`regions` (={shown(regions)}) must be one of {names}, an array of labels, or a callable")
        if regions != "grid" and not 2 <= len(self.space) <= (3 if regions == "slic" else 2):
            kind = "a picture or a volume" if regions == "slic" else "a picture"
            raise InputError(
                f'`regions` (="{regions}") divides {kind}, and the input has {len(self.space)} spatial axes: '
                'pass "grid", or an array of labels'
            )
        if regions == "slic":
            return lambda picture: slic_labels(picture, self.n_regions)
        return None if regions == "grid" else lambda picture: felzenszwalb_labels(picture, [SCALE])[0]

    def _checked(self, labels: Any, regions: Regions) -> Labels:
        """Return labels as 0, 1, ... if they are valid."""
        array = _whole_numbers(labels)
        if array.shape != self.space:
            raise InputError(
                f"`regions` (labels of shape {array.shape}) must have the lengths of the input's spatial axes, {self.space}"
            )
        if array.size and array.min() < 0:
            raise InputError(f"`regions` (label {array.min()}) must hold labels of 0 or more; give the background a region")
        known, contiguous = np.unique(array, return_inverse=True)
        if len(known) < 2:
            name = f'="{regions}"' if isinstance(regions, str) else "labels"
            raise InputError(f"`regions` ({name}) must divide each input into 2 regions or more; an input has only one")
        return np.asarray(contiguous.reshape(self.space), np.int64)


def _segmented(segment: Callable[[Picture], Any], picture: Picture) -> Any:
    try:
        return segment(picture)
    except (SaliencyError, MemoryError):
        raise
    except Exception as error:  # whatever a user's function raises
        reason = f"{type(error).__name__}: {error}"
        raise InputError(f"`regions` (={shown(segment)}) failed for a picture of shape {picture.shape}: {reason}") from error


def _whole_numbers(labels: Any) -> npt.NDArray[Any]:
    try:
        array = np.asarray(labels.detach().cpu() if hasattr(labels, "detach") else labels)
    except Exception as error:  # whatever a user's class raises
        raise InputError(f"`regions` ({type(labels).__name__}) must hold labels: {error}") from error
    is_whole = array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.round(array)).all()
    if array.dtype.kind in "biu" or is_whole:
        for label in (array.min().item(), array.max().item()) if array.size else ():
            if abs(label) > LARGEST_LABEL:
                raise InputError(f"`regions` (label {label}) must hold labels from 0 to {LARGEST_LABEL}")
        return array.astype(np.int64)
    raise InputError(f"`regions` (dtype {array.dtype}) must hold whole numbers, 0 or more")

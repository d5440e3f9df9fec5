"""The maps of a method for metrics that explain changed inputs or changed models."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import GradientAdapter
from saliency.core.errors import InputError
from saliency.core.mask import SaliencyMask
from saliency.core.validation import shown
from saliency.metrics.top_classes import top_classes


def checked_mask(mask: Any) -> SaliencyMask:
    """Return a mask.

    Raises:
        InputError: if it is none.
    """
    if not isinstance(mask, SaliencyMask):
        raise InputError(f"`mask` (={shown(mask)}) must be a mask, such as saliency.Vanilla(model)")
    return mask


def fixed_targets(mask: SaliencyMask, x_values: Sequence[Any], y: Any) -> list[Any]:
    """Return a target for each input, which stays the same if the input or the model changes.

    Args:
        mask: the method.
        x_values: N inputs.
        y: one target for all, or N of them; None uses the mask's, or else the top class of each input.

    Raises:
        InputError: if their number differs.
    """
    y = mask.y if y is None else y
    if y is None:
        return list(top_classes(mask.adapter, x_values))
    if isinstance(y, list | range | np.ndarray):
        if len(y) != len(x_values):
            raise InputError(f"`y` ({len(y)} targets) must hold one target for each of the {len(x_values)} inputs")
        return list(y)
    return [y] * len(x_values)


def magnitude_maps(mask: SaliencyMask, x_values: Sequence[Any], ys: Sequence[Any]) -> npt.NDArray[np.float64]:
    """Return the sums of the magnitudes of N maps over channels, (N, *space)."""
    maps = np.abs(np.asarray(mask.GetMasks(list(x_values), y=list(ys), progress=False), np.float64))
    return channel_sums(maps, mask.adapter, x_values)


def channel_sums(values: npt.NDArray[Any], adapter: GradientAdapter, x_values: Sequence[Any]) -> npt.NDArray[np.float64]:
    """Sum maps in the shape of the inputs (N, *input) over channels; others stay as they are."""
    shape = adapter.numpy(adapter.stack(list(x_values[:1]))).shape[1:]
    adapter.read_channel_axis(shape)
    axis = adapter.channel_axis
    if axis is None or values.shape[1:] != shape:
        return np.asarray(values, np.float64)
    return np.asarray(values.sum(axis=axis if axis < 0 else axis + 1), np.float64)

"""Convert masks to images."""

from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.display.color_scale import ColorScale, note_diverging
from saliency.core.display.provenance import Provenance
from saliency.core.errors import InputError
from saliency.core.validation import as_index, host_numbers, shown

HostArray = npt.NDArray[Any]


def VisualizeImageGrayscale(image_3d: Any, percentile: float = 99, channel_axis: int | None = None) -> HostArray:
    """Convert a mask to a grayscale image of the strength of each pixel, whatever its sign.

    Args:
        image_3d: mask (H, W, C), (C, H, W) or (H, W), in any unit.
        percentile: percentile of the pixels that is mapped to 1, from 0 to 100; larger values are clipped.
        channel_axis: axis to sum over; None selects the one that the mask recorded, or the shorter one of the first and the
            last axis, of length 4 at most.

    Returns:
        (H, W), from 0 (the smallest value) to 1; zero everywhere for a constant mask.

    Raises:
        InputError: if the mask is not finite or has another shape, or ``percentile`` is out of range.

    Source:
        The sum of absolute values over channels: Smilkov et al., arXiv:1706.03825.
    """
    strength = map_values(image_3d, False, channel_axis)
    return ColorScale.of([strength], False, percentile).unit(strength)


def VisualizeImageDiverging(image_3d: Any, percentile: float = 99, channel_axis: int | None = None) -> HostArray:
    """Convert a signed mask to an image from -1 (lowers the score) to 1 (raises the score).

    Args:
        image_3d: signed mask (H, W, C), (C, H, W) or (H, W), in any unit.
        percentile: percentile of the pixels' absolute sums that is mapped to 1, from 0 to 100; larger values are clipped.
        channel_axis: axis to sum over; None selects the one that the mask recorded, or the shorter one of the first and the
            last axis, of length 4 at most.

    Returns:
        (H, W), from -1 to 1; zero stays zero.

    Raises:
        InputError: if the mask is not finite or has another shape, or ``percentile`` is out of range.
    """
    signed = map_values(image_3d, True, channel_axis)
    return note_diverging(ColorScale.of([signed], True, percentile).unit(signed))


def map_values(mask: Any, signed: bool, channel_axis: int | None = None) -> HostArray:
    """Return the sum (H, W) of a mask over its channels, or of its magnitude; see ``VisualizeImageGrayscale``."""
    values = _values(mask, channel_axis)
    return np.asarray((values if signed else np.abs(values)).sum(axis=-1))


def channels_last(image: Any, channel_axis: int | None) -> HostArray:
    """Return a mask or image as (H, W, C), with one channel for (H, W); see ``VisualizeImageGrayscale``."""
    picture: HostArray = host_numbers(image, "mask or image", None)
    if picture.ndim not in (2, 3):
        raise InputError(f"the mask or image (shape {picture.shape}) must be (H, W), (H, W, C) or (C, H, W)")
    if picture.ndim == 2:
        return picture[..., None]
    if channel_axis is None:
        channel_axis = _recorded_axis(image)
    if channel_axis is None:
        channel_axis = 0 if picture.shape[0] < picture.shape[2] else -1
        if picture.shape[channel_axis] > 4:
            raise InputError(f"`channel_axis` (=None) cannot be found from the shape {picture.shape}: pass it")
    axis = as_index(channel_axis)
    if axis is None or not -3 <= axis < 3:
        raise InputError(f"`channel_axis` (={shown(channel_axis)}) must be an axis of the image, from -3 to 2, or None")
    last: HostArray = np.moveaxis(picture, axis, -1)
    return last


def _recorded_axis(mask: Any) -> int | None:
    """Return the channel axis that a mask of a method recorded; None for other arrays."""
    about = getattr(mask, "about", None)
    return about.channel_axis if isinstance(about, Provenance) and not about.several else None


def _values(image: Any, channel_axis: int | None) -> HostArray:
    """Return a mask as (H, W, C), in float64, whose sums are finite."""
    values: HostArray = channels_last(image, channel_axis).astype(float)
    limit = np.finfo(float).max / values.shape[-1] / 2
    if np.abs(values).max() > limit:
        raise InputError(f"`mask or image` holds values above {limit:g}, so that sums are not finite; scale it down")
    return values

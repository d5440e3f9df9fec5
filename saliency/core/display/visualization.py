"""Convert masks to images."""

from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.validation import as_index, host_numbers, real_number, shown

HostArray = npt.NDArray[Any]


def VisualizeImageGrayscale(image_3d: Any, percentile: float = 99, channel_axis: int | None = None) -> HostArray:
    """Convert a mask to a grayscale image of the strength of each pixel, whatever its sign.

    Args:
        image_3d: mask (H, W, C), (C, H, W) or (H, W), in any unit.
        percentile: percentile of the pixels that is mapped to 1, from 0 to 100; larger values are clipped.
        channel_axis: axis to sum over; None selects the shorter one of the first and the last axis, of length 4 at most.

    Returns:
        (H, W), from 0 (the smallest value) to 1; zero everywhere for a constant mask.

    Raises:
        InputError: if the mask is not finite or has another shape, or ``percentile`` is out of range.

    Source:
        The sum of absolute values over channels: Smilkov et al., arXiv:1706.03825.
    """
    strength = np.abs(_values(image_3d, channel_axis)).sum(axis=-1)
    low, high = float(strength.min()), scale_limit(strength, percentile)
    return np.clip((strength - low) / (high - low), 0, 1) if high > low else np.zeros_like(strength)


def VisualizeImageDiverging(image_3d: Any, percentile: float = 99, channel_axis: int | None = None) -> HostArray:
    """Convert a signed mask to an image from -1 (lowers the score) to 1 (raises the score).

    Args:
        image_3d: signed mask (H, W, C), (C, H, W) or (H, W), in any unit.
        percentile: percentile of the pixels' absolute sums that is mapped to 1, from 0 to 100; larger values are clipped.
        channel_axis: axis to sum over; None selects the shorter one of the first and the last axis, of length 4 at most.

    Returns:
        (H, W), from -1 to 1; zero stays zero.

    Raises:
        InputError: if the mask is not finite or has another shape, or ``percentile`` is out of range.
    """
    signed = _values(image_3d, channel_axis).sum(axis=-1)
    limit = scale_limit(np.abs(signed), percentile)
    return np.clip(signed / limit, -1, 1) if limit > 0 else np.zeros_like(signed)


def overlay(image: Any, mask: Any, alpha: float = 0.7, cmap: str | None = None, percentile: float = 99) -> HostArray:
    """Draw a mask over its image.

    Args:
        image: (H, W, C), (C, H, W) or (H, W); uint8, or floats, which are rescaled from their minimum and maximum. A PIL image
            may have any mode; it is converted to RGB, with white in place of transparency.
        mask: mask of the same height and width, drawn as by ``VisualizeImageDiverging`` if it has negative values, otherwise
            as by ``VisualizeImageGrayscale``.
        alpha: opacity of the strongest pixels, 0 to 1; weaker pixels are more transparent.
        cmap: name of a matplotlib colormap; None selects "coolwarm" if the mask has negative values, otherwise "inferno".
        percentile: as in ``VisualizeImageGrayscale``.

    Returns:
        (H, W, 3) uint8.

    Raises:
        InputError: if the image and the mask differ in height or width, an option is invalid, or a PIL image has an EXIF
            orientation, which the mask may have or not.
    """
    from matplotlib import colormaps

    alpha = real_number("alpha", alpha, 0, 1)
    check_colormap(cmap)
    picture = rescale_to_unit(channels_last(picture_pixels(image, apply_exif=False), None))
    colors = picture[..., :-1] if picture.shape[-1] in (2, 4) else picture  # without the alpha channel
    gray = np.repeat(colors.mean(axis=-1, keepdims=True), 3, axis=-1)  # colors are for the mask
    mask = host_numbers(mask, "mask", None)
    signed = bool((mask < 0).any())
    values = VisualizeImageDiverging(mask, percentile) if signed else VisualizeImageGrayscale(mask, percentile)
    if values.shape != gray.shape[:2]:
        raise InputError(f"`mask` {values.shape} must have the height and width of `image` {gray.shape[:2]}")
    colors = colormaps[cmap or ("coolwarm" if signed else "inferno")]((values + 1) / 2 if signed else values)[..., :3]
    opacity = alpha * np.sqrt(np.abs(values))[..., None]
    return np.rint(255 * (gray * (1 - opacity) + colors * opacity)).astype(np.uint8)


def picture_pixels(image: Any, apply_exif: bool) -> Any:
    """Return the pixels of a PIL image, and any other value unchanged.

    Args:
        image: a PIL image of any mode, or any other value.
        apply_exif: whether to turn the picture as its EXIF orientation says; otherwise, a picture that has one is refused.

    Raises:
        InputError: if the picture cannot be decoded, or has an EXIF orientation that is not to be applied.
    """
    if not hasattr(image, "getbands"):
        return image
    from saliency.io.picture_conversion import drawable_pixels
    from saliency.io.picture_options import PictureError

    try:
        return drawable_pixels(image, apply_exif)
    except PictureError as error:
        raise InputError(f"`image` {error.problem}") from error


def channels_last(image: Any, channel_axis: int | None) -> HostArray:
    """Return a mask or image as (H, W, C), with one channel for (H, W); see ``VisualizeImageGrayscale``."""
    picture: HostArray = host_numbers(image, "mask or image", None)
    if picture.ndim not in (2, 3):
        raise InputError(f"the mask or image (shape {picture.shape}) must be (H, W), (H, W, C) or (C, H, W)")
    if picture.ndim == 2:
        return picture[..., None]
    if channel_axis is None:
        channel_axis = 0 if picture.shape[0] < picture.shape[2] else -1
        if picture.shape[channel_axis] > 4:
            raise InputError(f"`channel_axis` (=None) cannot be found from the shape {picture.shape}: pass it")
    axis = as_index(channel_axis)
    if axis is None or not -3 <= axis < 3:
        raise InputError(f"`channel_axis` (={shown(channel_axis)}) must be an axis of the image, from -3 to 2, or None")
    last: HostArray = np.moveaxis(picture, axis, -1)
    return last


def _values(image: Any, channel_axis: int | None) -> HostArray:
    """Return a mask as (H, W, C), in float64, whose sums are finite."""
    values: HostArray = channels_last(image, channel_axis).astype(float)
    limit = np.finfo(float).max / values.shape[-1] / 2
    if np.abs(values).max() > limit:
        raise InputError(f"`mask or image` holds values above {limit:g}, so that sums are not finite; scale it down")
    return values


def check_colormap(cmap: Any) -> None:
    """Check the name of a matplotlib colormap, or None.

    Raises:
        InputError: if it is anything else.
    """
    from matplotlib import colormaps

    if cmap is not None and not (isinstance(cmap, str) and cmap in colormaps):
        raise InputError(f"`cmap` (={shown(cmap)}) must be the name of a matplotlib colormap, or None")


def scale_limit(strength: HostArray, percentile: float) -> float:
    """Return the upper end of a color scale: the percentile, or the maximum if the percentile equals the minimum."""
    high = float(np.percentile(strength, real_number("percentile", percentile, 0, 100)))
    return high if high > strength.min() else float(strength.max())


def rescale_to_unit(picture: HostArray) -> HostArray:
    """Scale an image to 0..1: uint8 by 255, other dtypes from their minimum and maximum."""
    if picture.dtype == np.uint8:
        return picture / 255.0
    low, high = float(picture.min()), float(picture.max())
    if not np.isfinite(high - low):
        return rescale_to_unit(picture / 4)
    return (picture - low) / (high - low) if high > low else np.zeros(picture.shape)

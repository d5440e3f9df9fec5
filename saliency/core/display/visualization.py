"""From a mask to something that a person looks at."""

from typing import Any

import numpy as np
import numpy.typing as npt

Host = npt.NDArray[Any]


def VisualizeImageGrayscale(image_3d: Any, percentile: float = 99, channel_axis: int | None = None) -> Host:
    """Show how strongly each pixel counts, whatever the sign.

    Args:
        image_3d: mask (H, W, C), (C, H, W) or (H, W), any unit.
        percentile: the brightness 1 goes to this percentile of the pixels, 0 to 100; what lies above is clipped.
        channel_axis: axis that is summed; None takes the first or last one, the shorter, of at most 4.

    Returns:
        (H, W) between 0 (the least pixel) and 1; zero everywhere for a constant mask.

    Raises:
        ValueError: if the mask is not finite, has another rank, or ``percentile`` is out of range.

    Source:
        The sum of absolute values, Smilkov et al., arXiv:1706.03825.
    """
    strength = np.abs(channels_last(image_3d, channel_axis).astype(float)).sum(axis=-1)
    low, high = float(strength.min()), ceiling(strength, percentile)
    return np.clip((strength - low) / (high - low), 0, 1) if high > low else np.zeros_like(strength)


def VisualizeImageDiverging(image_3d: Any, percentile: float = 99, channel_axis: int | None = None) -> Host:
    """Show what counts for the score and what against it.

    Args:
        image_3d: signed mask (H, W, C), (C, H, W) or (H, W), any unit.
        percentile: the ends -1 and 1 go to this percentile of the pixels' absolute sums; what lies beyond is clipped.
        channel_axis: axis that is summed; None takes the first or last one, the shorter, of at most 4.

    Returns:
        (H, W) between -1 and 1; zero stays zero.

    Raises:
        ValueError: if the mask is not finite, has another rank, or ``percentile`` is out of range.
    """
    signed = channels_last(image_3d, channel_axis).astype(float).sum(axis=-1)
    span = ceiling(np.abs(signed), percentile)
    return np.clip(signed / span, -1, 1) if span > 0 else np.zeros_like(signed)


def overlay(image: Any, mask: Any, alpha: float = 0.7, cmap: str | None = None, percentile: float = 99) -> Host:
    """Lay a mask over its picture.

    Args:
        image: (H, W, C) or (C, H, W) or (H, W); uint8, or floats, which are stretched from their minimum to their maximum.
        mask: of the same height and width; signed masks become diverging, others grey-scale strength.
        alpha: opacity of the strongest pixels, 0 to 1; weaker ones let more of the picture through.
        cmap: matplotlib colour map; None is "inferno" for a mask without a negative pixel, "coolwarm" for others.
        percentile: as in ``VisualizeImageGrayscale``.

    Returns:
        (H, W, 3) uint8.

    Raises:
        ValueError: if the picture and the mask differ in height or width.
    """
    from matplotlib import colormaps

    if not 0 <= alpha <= 1:
        raise ValueError(f"`alpha` (={alpha!r}) must be between 0 and 1")
    if cmap is not None and cmap not in colormaps:
        raise ValueError(f"`cmap` (={cmap!r}) must be the name of a matplotlib colour map")
    picture = stretched(channels_last(image, None))
    colours = picture[..., :-1] if picture.shape[-1] in (2, 4) else picture  # without alpha
    picture = np.repeat(colours.mean(axis=-1, keepdims=True), 3, axis=-1)  # grey: the mask has the colours
    signed = bool((np.asarray(mask) < 0).any())
    shade = VisualizeImageDiverging(mask, percentile) if signed else VisualizeImageGrayscale(mask, percentile)
    if shade.shape != picture.shape[:2]:
        raise ValueError(f"`mask` {shade.shape} must have the height and width of `image` {picture.shape[:2]}")
    colours = colormaps[cmap or ("coolwarm" if signed else "inferno")]((shade + 1) / 2 if signed else shade)[..., :3]
    opacity = alpha * np.sqrt(np.abs(shade))[..., None]
    return np.rint(255 * (picture * (1 - opacity) + colours * opacity)).astype(np.uint8)


def channels_last(image: Any, channel_axis: int | None) -> Host:
    """Return a mask or picture as (H, W, C), with one channel for (H, W); see ``VisualizeImageGrayscale``."""
    picture: Host = np.asarray(image)
    if picture.ndim not in (2, 3) or 0 in picture.shape:
        raise ValueError(f"the mask or picture (shape {picture.shape}) must be (H, W), (H, W, C) or (C, H, W), and not empty")
    if picture.dtype.kind not in "buif":
        raise ValueError(f"the mask or picture ({picture.dtype}) must hold real numbers")
    if not np.isfinite(picture).all():
        raise ValueError(f"the mask or picture holds {int((~np.isfinite(picture)).sum())} values that are NaN or infinite")
    if picture.ndim == 2:
        return picture[..., None]
    if channel_axis is None:
        channel_axis = 0 if picture.shape[0] < picture.shape[2] else -1
        if picture.shape[channel_axis] > 4:
            raise ValueError(f"`channel_axis` (=None) can't be told from the shape {picture.shape}; it must be given")
    last: Host = np.moveaxis(picture, channel_axis, -1)
    return last


def ceiling(strength: Host, percentile: float) -> float:
    """Return what is drawn brightest: the percentile; for a mask so sparse that it equals the minimum, the maximum."""
    if not 0 <= percentile <= 100:
        raise ValueError(f"`percentile` (={percentile!r}) must be between 0 and 100")
    high = float(np.percentile(strength, percentile))
    return high if high > strength.min() else float(strength.max())


def stretched(picture: Host) -> Host:
    """Return colours from 0 to 1: uint8 as it is, others from their minimum to their maximum."""
    if picture.dtype == np.uint8:
        return picture / 255.0
    low, high = float(picture.min()), float(picture.max())
    return (picture - low) / (high - low) if high > low else np.zeros(picture.shape)

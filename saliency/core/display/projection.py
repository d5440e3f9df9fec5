"""Reduce a mask and its input to one or two dimensions for drawing."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.display.picture_colors import picture_colors

HostArray = npt.NDArray[Any]
COLOR_CHANNELS = (3, 4)  # numbers of channels that are drawn as colors, without the fourth


@dataclass(frozen=True)
class MaskProjection:
    """A mask reduced to a line (n,) or an image (H, W), and its input.

    Args:
        signed: the sum of the mask over channels; a single channel if all are equal, as for Occlusion.
        strength: the same for the absolute values of the mask.
        picture: the input, (n,), (H, W), or (H, W, colors) from 0 to 1; None if it cannot be drawn.
        slices: describes which slices of further axes are drawn.
    """

    signed: HostArray
    strength: HostArray
    picture: HostArray | None
    slices: str = ""

    @classmethod
    def of(cls, mask: HostArray, x: HostArray | None, channel_axis: int | None) -> "MaskProjection":
        """Sum a mask over its channels, and select the strongest slice on each axis beyond two.

        Args:
            mask: a mask of any shape.
            x: the input, of any shape, or None. If its shape does not match the mask, it is drawn if it is a line or an image.
            channel_axis: channel axis of the input.
        """
        values = mask.astype(float)
        same_shape = x is not None and x.shape == values.shape
        signed, strength = values, np.abs(values)
        if (
            values.ndim > 2
            and channel_axis is not None
            and (same_shape or (x is None and values.shape[channel_axis] in COLOR_CHANNELS))
        ):
            channels = np.moveaxis(values, channel_axis, 0)
            channels = channels[:1] if (channels == channels[:1]).all() else channels
            signed, strength = channels.sum(axis=0), np.abs(channels).sum(axis=0)
        picture = None if x is None else _colors_last(x, channel_axis)
        slices = []
        while strength.ndim > 2:
            strongest = int(strength.reshape(len(strength), -1).max(axis=1).argmax())
            slices.append(f"slice {strongest} of {len(strength)}")
            if picture is not None and picture.ndim > 2 and len(picture) == len(strength):
                picture = picture[strongest]
            signed, strength = signed[strongest], strength[strongest]
        return cls(signed, strength, _drawable(picture), ", ".join(slices))

    def beside(self, picture: HostArray) -> "MaskProjection":
        """Return the projection with another picture."""
        return replace(self, picture=picture)


def _colors_last(x: HostArray, channel_axis: int | None) -> HostArray:
    """Return an input with colors on its last axis, or with its channels averaged."""
    if x.ndim < 3 or channel_axis is None:
        return x
    last = np.moveaxis(x, channel_axis, -1)
    if last.shape[-1] in COLOR_CHANNELS:
        return last[..., :3]
    mean: HostArray = last.mean(axis=-1)
    return mean


def _drawable(picture: HostArray | None) -> HostArray | None:
    """Return a line unchanged, an image rescaled to 0..1, and None for anything else."""
    if picture is None or picture.ndim < 2:
        return None if picture is None or picture.ndim == 0 else picture
    return picture_colors(picture) if picture.ndim == 2 or (picture.ndim == 3 and picture.shape[-1] == 3) else None

"""What of a mask, and of its input, fits on a page: a line or a picture, whatever the number of axes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.display.visualization import stretched

Host = npt.NDArray[Any]
COLOURS = (3, 4)  # so many channels are colours, of which the first three are drawn


@dataclass(frozen=True)
class MaskProjection:
    """A mask on a line (n,) or in a plane (H, W), and its input beside it.

    Args:
        signed: the mask's sum over the channels; one of them where all are alike, as a covered window's are.
        strength: the same of its absolute values.
        picture: the input: (n,), (H, W) or (H, W, colours) from 0 to 1; None where there is none to show.
        slices: in words, which ones were taken of the axes that there was no room for.
    """

    signed: Host
    strength: Host
    picture: Host | None
    slices: str = ""

    @classmethod
    def of(cls, mask: Host, x: Host | None, channel_axis: int | None) -> "MaskProjection":
        """Take a mask's channels together, and of more than two axes the slices where it is strongest.

        Args:
            mask: of any shape.
            x: the input, of any shape; what has not the mask's positions is shown as far as it fits on a page itself.
            channel_axis: of the input.
        """
        values = mask.astype(float)
        alike = x is not None and x.shape == values.shape
        signed, strength = values, np.abs(values)
        if values.ndim > 2 and channel_axis is not None and (alike or (x is None and values.shape[channel_axis] in COLOURS)):
            channels = np.moveaxis(values, channel_axis, 0)
            channels = channels[:1] if (channels == channels[:1]).all() else channels
            signed, strength = channels.sum(axis=0), np.abs(channels).sum(axis=0)
        picture = None if x is None else _colours_last(x, channel_axis)
        told = []
        while strength.ndim > 2:
            best = int(strength.reshape(len(strength), -1).max(axis=1).argmax())
            told.append(f"slice {best} of {len(strength)}")
            if picture is not None and picture.ndim > 2 and len(picture) == len(strength):
                picture = picture[best]
            signed, strength = signed[best], strength[best]
        return cls(signed, strength, _fitting(picture), ", ".join(told))


def _colours_last(x: Host, channel_axis: int | None) -> Host:
    """Return an input with colours on its last axis, or none at all."""
    if x.ndim < 3 or channel_axis is None:
        return x
    last = np.moveaxis(x, channel_axis, -1)
    if last.shape[-1] in COLOURS:
        return last[..., :3]
    mean: Host = last.mean(axis=-1)
    return mean


def _fitting(picture: Host | None) -> Host | None:
    """Return what can be drawn: a line as it is, a picture stretched."""
    if picture is None or picture.ndim < 2:
        return None if picture is None or picture.ndim == 0 else picture
    return stretched(picture) if picture.ndim == 2 or (picture.ndim == 3 and picture.shape[-1] == 3) else None

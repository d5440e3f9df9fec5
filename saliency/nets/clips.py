"""Read the frames of a clip, for networks of videos."""

from collections.abc import Sequence
from typing import Any

from PIL import Image

from saliency.core.errors import InputError
from saliency.nets.preparation import read_rgb


def read_frames(clip: Any, least: int, float_range: tuple[float, float] | None) -> list[Image.Image]:
    """Convert the frames of a clip to RGB; see ``Network.prepare``.

    Args:
        clip: a list or tuple of pictures, or an array or tensor (frames, H, W, channels) or (frames, channels, H, W).
        least: least number of frames.
        float_range: values of black and white.

    Raises:
        InputError: if it is not a clip, has too few frames, or its frames differ in size or cannot be converted.
    """
    shape = getattr(clip, "shape", None)
    if not (isinstance(clip, Sequence) and not isinstance(clip, str)) and (shape is None or len(shape) != 4):
        found = type(clip).__name__ if shape is None else f"an array of shape {tuple(shape)}"
        raise InputError(
            f"`picture` ({found}) must be a clip: a list of pictures, or an array (frames, height, width, 3); the network "
            "classifies videos"
        )
    frames = [read_rgb(frame, float_range) for frame in clip]
    if len(frames) < least:
        raise InputError(f"`picture` (a clip of {len(frames)} frames) must have at least {least} frames")
    sizes = sorted({frame.size for frame in frames})
    if len(sizes) > 1:
        raise InputError(f"`picture` must be a clip of frames of one size; it has frames of {sizes[0]} and {sizes[1]} pixels")
    return frames

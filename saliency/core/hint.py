"""What may be wrong with an input that a model's forward pass failed for."""

from collections.abc import Sequence

COLOURS = (1, 3, 4)
"""Channels that a picture may have."""


def of_shape(shape: Sequence[int], channel_axis: int | None) -> str:
    """Return what to try, to be put behind an error; nothing where the shape does not look wrong.

    Args:
        shape: of one input, without the batch axis that it gets.
        channel_axis: where the model has the channels of one input.
    """
    if len(shape) == 4 and shape[0] == 1:
        return ". It seems to have a batch axis of its own: give x[0], or all inputs to GetMasks"
    if len(shape) != 3 or channel_axis is None:
        return ""
    first, last = shape[0] in COLOURS, shape[-1] in COLOURS
    if channel_axis == 0 and last and not first:
        return ". It seems to have its channels last, and the model takes them first: give (channels, height, width)"
    if channel_axis != 0 and first and not last:
        return ". It seems to have its channels first, and the model takes them last: give (height, width, channels)"
    return ""

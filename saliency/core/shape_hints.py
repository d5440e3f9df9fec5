"""What the shape of an input tells: where its channels are, and what may be wrong where a model's forward pass failed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from saliency.core.adapter import GradientAdapter
from saliency.core.errors import ForwardError

COLOURS = (1, 3, 4)
"""Channels that a picture may have."""


@contextmanager
def add_shape_hints(adapter: GradientAdapter) -> Iterator[None]:
    """Put what to try behind the error of a forward pass that fails within the block.

    Args:
        adapter: of the model, which knows where that has the channels of one input.

    Raises:
        ForwardError: if one fails.
    """
    try:
        yield
    except ForwardError as error:
        raise ForwardError(f"{error}{shape_hint(error.shape, adapter.channel_axis)}", error.shape) from error.__cause__


def shape_hint(shape: Sequence[int], channel_axis: int | None) -> str:
    """Return what to try, to be put behind an error; nothing where the shape does not look wrong.

    Args:
        shape: of one input, without the batch axis that it gets.
        channel_axis: where the model has the channels of one input.
    """
    if len(shape) == 4 and shape[0] == 1:
        return ". It seems to have a batch axis of its own: give x[0], or all inputs to GetMasks"
    if len(shape) == 2 and shape[-1] in COLOURS:
        return ". If it is a part of one picture: one goes to GetMask, several to GetMasks"
    if channel_axis == 0 and looks_channels_last(shape):
        return ". It seems to have its channels last, and the model takes them first: give (channels, height, width)"
    if channel_axis == -1 and looks_channels_last(shape[::-1]):
        return ". It seems to have its channels first, and the model takes them last: give (height, width, channels)"
    return ""


def looks_channels_last(shape: Sequence[int]) -> bool:
    """Tell whether the shape of one input looks like a picture's with its channels last, and not first."""
    return len(shape) == 3 and shape[-1] in COLOURS and shape[0] not in COLOURS

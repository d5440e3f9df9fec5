"""Hints on a wrong input shape, appended to the error of a failed forward pass."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from saliency.core.adapter import GradientAdapter
from saliency.core.errors import ForwardError

COLOR_CHANNELS = (1, 3, 4)
"""Numbers of channels that an image may have."""


@contextmanager
def add_shape_hints(adapter: GradientAdapter) -> Iterator[None]:
    """Append a hint on the shape to the error of a forward pass that fails within the block.

    Args:
        adapter: the model's adapter; the hint depends on its ``channel_axis``.

    Raises:
        ForwardError: if a forward pass fails.
    """
    try:
        yield
    except ForwardError as error:
        raise ForwardError(f"{error}{_hint(error.shape, adapter)}", error.shape) from error.__cause__


def _hint(shape: Sequence[int], adapter: GradientAdapter) -> str:
    if adapter.joined is None:
        return shape_hint(shape, adapter.channel_axis)
    hint = f". It consists of the inputs {adapter.joined}"
    for name, one in zip(adapter.joined.names, adapter.joined.shapes, strict=True):
        of_one = shape_hint(one, adapter.explaining(name).channel_axis)
        hint += of_one and f"{of_one} ({name!r})"
    return hint


def shape_hint(shape: Sequence[int], channel_axis: int | None) -> str:
    """Return a hint for an input whose shape looks wrong, or an empty string.

    Args:
        shape: shape of one input, without its batch axis.
        channel_axis: the axis on which the model expects the channels of one input.
    """
    if len(shape) == 4 and shape[0] == 1:
        return ". The input seems to include a batch axis: pass x[0] to GetMask, or all inputs to GetMasks"
    if len(shape) == 4:
        return f". If these are {shape[0]} inputs: pass them to GetMasks, or one of them to GetMask"
    if len(shape) == 2 and shape[-1] in COLOR_CHANNELS:
        return ". If it is a part of one image: pass one image to GetMask, several images to GetMasks"
    if channel_axis == 0 and looks_channels_last(shape):
        return ". The input seems to have its channels last, but the model expects (channels, height, width)"
    if channel_axis == -1 and looks_channels_last(shape[::-1]):
        return ". The input seems to have its channels first, but the model expects (height, width, channels)"
    return ""


def looks_channels_last(shape: Sequence[int]) -> bool:
    """Return whether the shape of one input looks like an image with its channels last, and not first."""
    return len(shape) == 3 and shape[-1] in COLOR_CHANNELS and shape[0] not in COLOR_CHANNELS

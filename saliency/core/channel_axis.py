"""The channel axis of inputs with two axes: said by the user, proven from the model, or none."""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from saliency.core.adapter import GradientAdapter
from saliency.core.numerics.resampling import spatial_axes
from saliency.core.types import Array
from saliency.core.warnings import warn

Evidence: TypeAlias = int | Literal["unknown"] | None
"""The channel axis that a model proves, None if it proves that there is none, or ``"unknown"``."""


def read_channel_axis(
    adapter: GradientAdapter, shape: Sequence[int], default: int, find: Callable[[Sequence[int]], Evidence]
) -> None:
    """Set an adapter's channel axis for inputs of a shape.

    An input with two axes may be a gray image (H, W), a signal (C, L), or a sequence (L, C). Unless the model proves that
    one of the axes holds channels, both are spatial.

    Args:
        adapter: an adapter whose channel axis the user did not choose.
        shape: of one input, without its batch axis.
        default: the channel axis of inputs with any other number of axes.
        find: reads the channel axis of an input with two axes from the model.
    """
    evidence = find(shape) if len(shape) == 2 else default
    adapter.channel_axis = None if evidence == "unknown" else evidence
    adapter.channel_axis_is_assumed = evidence == "unknown"


def input_axes(adapter: GradientAdapter, x: Array) -> tuple[int, ...]:
    """Return the spatial axes of inputs (N, *input); see ``spatial_axes``. Warn if they are assumed."""
    if adapter.channel_axis_is_assumed and len(x.shape) == 3:
        warn(
            f"`x_value` (shape {tuple(x.shape[1:])}) is read as rows and columns, because the model does not show whether one "
            "of its axes holds channels. Pass saliency.wrap(model, channel_axis=None) to confirm this, or the channels' axis, "
            "channel_axis=0 or channel_axis=-1"
        )
    return spatial_axes(adapter.channel_axis, len(x.shape))

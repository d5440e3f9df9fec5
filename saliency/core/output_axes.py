"""Which axis of a model's output holds the classes, for targets that name one of them."""

from collections.abc import Callable, Sequence
from typing import Any

from saliency.core.errors import ModelError, TargetError
from saliency.core.grid_reading import Centers, read_axes
from saliency.core.layer_axes import LayerAxes
from saliency.core.target import Target


def output_order(target: Target, shape: Sequence[Any], find: Callable[[], LayerAxes | None]) -> tuple[int, ...] | None:
    """Return the order of an output's axes in which they are (samples, channels, *others); None if they are to stay.

    Args:
        target: the target that reads the output.
        shape: of the model's output, (N, ...).
        find: returns the axes that the model proves, or that its outputs usually have; None if they are not known.

    Raises:
        TargetError: if the target needs the axis of the channels and it is not known, or the output has no such axis.
        ModelError: if the first axis is not that of the samples.
    """
    rank = len(shape)
    if target.function is not None or target.channel_axis is None or rank < 3:
        return None
    if target.channel_axis == "found":
        axes = find()
        if axes is None:
            raise _unknown(target, shape)
        if axes.sample:
            raise ModelError(
                f"the model's output has the shape ({', '.join(map(str, shape))}), and the samples are on its axis "
                f"{axes.sample}; they must be on the first axis: wrap the model in a function that moves them there"
            )
    else:
        axes = LayerAxes(0, _checked(target.channel_axis, shape))
    order = axes.channels_first(rank)
    return None if order == tuple(range(rank)) else order


def find_output_axes(
    spatial: Sequence[Centers | None], samples: Centers | None, shape: tuple[int, ...], count: int
) -> LayerAxes | None:
    """Return the axes of an output that its positions prove; None if they prove none.

    Args:
        spatial, samples, shape, count: see ``read_grid``.
    """
    wide = [dim for dim in range(1, len(shape)) if shape[dim] > 1]
    if len(wide) < 2:  # (N, classes, 1, 1)
        return LayerAxes(0, wide[0] if wide else 1)
    proven = read_axes(spatial, samples, shape, count)
    return None if proven is None else LayerAxes(proven.sample, proven.channel)


def _checked(axis: int, shape: Sequence[Any]) -> int:
    rank = len(shape)
    if not -rank <= axis < rank or axis % rank == 0:
        others = f"1 to {rank - 1}, or from the end {1 - rank} to -1"
        raise TargetError(f"`axis` (={axis}) of a Region must be an axis of the model's output {_shown(shape)}: {others}")
    return axis % rank


def _unknown(target: Target, shape: Sequence[Any]) -> TargetError:
    channel = int(target.units[0, 0, 0]) if len(target.units) else 0
    detector = " For an object detector, pass a saliency.Box." if len(shape) == 3 and target.spatial_axes == 2 else ""
    means = 1 if len(shape) == 3 else tuple(range(1, len(shape) - 1))
    return TargetError(
        f"`y` names a class of the model's output {_shown(shape)}, and the model does not show which axis holds the classes. "
        f"Name it: saliency.Region({channel}, axis=-1) for the last axis, or saliency.Region({channel}, axis=1); the other "
        f"axes are averaged.{detector} Else pass a callable `y`, such as "
        f"y=lambda output: output[..., {channel}].mean({means})"
    )


def _shown(shape: Sequence[Any]) -> str:
    return f"(N, {', '.join(str(length) for length in shape[1:])})"

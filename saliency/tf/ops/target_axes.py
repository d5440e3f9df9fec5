"""Arrange the output of a model or a layer, of which a target names a channel, as (N, channels, *space)."""

from typing import Any

import tensorflow as tf

from saliency.core.layer_axes import LayerAxes, UsualAxes, check_layer_axes, find_layer_axes
from saliency.core.numerics.resampling import spatial_axes
from saliency.core.output_axes import find_output_axes, output_order
from saliency.core.target import Target
from saliency.tf.ops.spatial_layout import SpatialLayout
from saliency.tf.positions.reading import arrange, centers_of
from saliency.tf.positions.tracker import PositionTracker

ANY_LENGTH = 64
"""Stands for a length of the input that a graph leaves open."""


def layer_channels_first(
    output: Any, source: Any, x: Any, layout: SpatialLayout | None, usual: UsualAxes, layer: Any, names_unit: bool
) -> Any:
    """Return a layer's output as (N, channels, *space); as it is if it has one or two axes.

    Args:
        output: the layer's output, or a copy of it.
        source: the layer's output, in the graph between it and ``x``.
        x: the input's tensor.
        layout: of the input; None if its lengths are not known, or several inputs are joined.
        usual: the usual axes of the model's layers.
        layer: the layer, as the user names it.
        names_unit: whether the target names a row and a column.

    Raises:
        TargetError: if the axes are not known, or the target names a row and a column and the grid is not known.
    """
    if output.shape.rank <= 2:
        return output
    spatial, samples, shape, count = [], None, tuple(source.shape), 1
    tracker = None if layout is None else layout.follow(x, [source])
    positions = None if tracker is None else tracker.of(source)
    if tracker is not None and positions is not None and not positions.in_pairs and 0 not in positions.shape:
        *spatial, samples = map(centers_of, positions.axes)
        shape, count = positions.shape, tracker.samples
    axes = find_layer_axes(spatial, samples, shape, count, usual)
    axes, grid = check_layer_axes(axes, shape, layer, usual, names_unit)
    if grid is not None:
        return arrange(output, grid, tf)
    order = axes.channels_first(output.shape.rank)
    return output if order == tuple(range(len(order))) else tf.transpose(output, order)


def output_channels_first(output: Any, source: Any, x: Any, channel_axis: int | None, joined: bool, target: Target) -> Any:
    """Return a model's output as (N, channels, *space); as it is if the target reads no channels.

    Args:
        output: the model's output, or a copy of it.
        source: the model's output, in the graph between it and ``x``.
        x: the input's tensor. Lengths that it leaves open do not matter for the order of the axes.
        channel_axis: of one input.
        joined: whether x holds several inputs in a row.
        target: the target.

    Raises:
        TargetError: if the axis of the channels is not known.
    """

    def find() -> LayerAxes | None:
        if x.shape.rank is None:
            return None
        lengths = [1, *(ANY_LENGTH if length is None else length for length in x.shape.as_list()[1:])]
        dims = (None,) * 3 if joined else spatial_axes(channel_axis, len(lengths))
        tracker = PositionTracker(x, lengths, dims, [source], begins_grids=True)
        positions, shape = tracker.of(source), tracker.shape(source)
        is_known = positions is not None and not positions.in_pairs
        *spatial, samples = map(centers_of, positions.axes) if positions is not None and is_known else [None]
        return None if shape is None or 0 in shape else find_output_axes(spatial, samples, shape, tracker.samples)

    order = output_order(target, output.shape.as_list(), find)
    return output if order is None else tf.transpose(output, order)

"""Arrange the output of a model or a layer, of which a target names a channel, as (N, channels, *space)."""

from typing import Any

import jax.numpy as jnp

from saliency.core.layer_axes import LayerAxes, UsualAxes, check_layer_axes, find_layer_axes
from saliency.core.numerics.resampling import spatial_axes
from saliency.core.output_axes import find_output_axes, output_order
from saliency.core.target import Target
from saliency.jax.positions import Positions, arrange


def layer_channels_first(output: Any, graph: Any, x: Any, variable: Any, channel_axis: int | None, target: Target) -> Any:
    """Return a layer's output as (N, channels, *space); as it is if it has one or two axes.

    Args:
        output: the layer's output.
        graph: the flat graph of the model.
        x: the graph's variable of the input.
        variable: the graph's variable of the layer's output.
        channel_axis: of one input. Layers usually have their channels first if it is 0, and last otherwise.
        target: the target, which names the layer.

    Raises:
        TargetError: if the axes are not known, or the target names a row and a column and the grid is not known.
    """
    if output.ndim <= 2:
        return output
    ndim, n = len(x.aval.shape), x.aval.shape[0]
    usual = UsualAxes.of(ndim, channel_axis, None, channel_axis != 0)
    centers = Positions(graph, x).centers(variable, spatial_axes(channel_axis, ndim))
    axes = find_layer_axes(*(centers or ([], None)), output.shape, n, usual)
    axes, grid = check_layer_axes(axes, output.shape, target.layer, usual, target.units.shape[-1] > 1)
    return jnp.transpose(output, axes.channels_first(output.ndim)) if grid is None else arrange(output, grid)


def output_channels_first(output: Any, graph: Any, x: Any, variable: Any, channel_axis: int | None, target: Target) -> Any:
    """Return a model's output as (N, channels, *space); as it is if the target reads no channels.

    Args:
        output: the model's output.
        graph, x, channel_axis, target: as for ``layer_channels_first``.
        variable: the graph's variable of the output; None if it is a constant.

    Raises:
        TargetError: if the axis of the channels is not known.
    """

    def find() -> LayerAxes | None:
        spatial = spatial_axes(channel_axis, len(x.aval.shape))
        centers = None if variable is None else Positions(graph, x, spatial).centers(variable, spatial)
        return find_output_axes(*(centers or ([], None)), output.shape, x.aval.shape[0])

    order = output_order(target, output.shape, find)
    return output if order is None else jnp.transpose(output, order)

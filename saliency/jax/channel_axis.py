"""Read from a model which axis of its input holds channels."""

from contextlib import suppress
from typing import Any

from saliency.jax.graph import flat_graph
from saliency.jax.models import JaxModel
from saliency.jax.positions import Positions


def find_channel_axis(model: JaxModel, x: Any) -> int | None:
    """Return the channel axis of one input, 0 or -1, that the model's first convolutions read; None if none proves it.

    Args:
        model: the model.
        x: an input (1, *input).
    """
    axes: set[int] = set()
    with suppress(Exception):  # the forward pass raises it again
        _, arrays = model.read()
        graph, _ = flat_graph(lambda arrays, x: model.call(arrays, x, {}, {}), arrays, x)
        axes = Positions(graph, graph.jaxpr.invars[len(arrays)]).channels
    return {1: 0, x.ndim - 1: -1}.get(axes.pop()) if len(axes) == 1 else None

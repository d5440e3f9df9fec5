"""Which axis of a layer's output holds its filters, as the model shows it."""

from typing import Any

import numpy as np

from saliency.compat.vis.network import Network
from saliency.compat.vis.seed_inputs import SeedInputs
from saliency.core.adapter_request import Request
from saliency.core.errors import TargetError
from saliency.core.shape_hints import add_shape_hints
from saliency.core.target import Target
from saliency.core.validation import shown


def channel_axis_of(network: Network, layer: Any, seeds: SeedInputs, option: str) -> int:
    """Return the axis of the channels in a layer's output (N, ...), from the output and its arrangement by the adapter.

    Args:
        network: the network.
        layer: the layer.
        seeds: the inputs; the first one is evaluated.
        option: name of the argument that names the layer in error messages.

    Raises:
        TargetError: if the model does not show the axis.
    """
    adapter = network.adapter
    feed = {name: adapter.asfeed(value[:1], name) for name, value in seeds.feed.items()}
    with add_shape_hints(adapter):
        x = adapter.stack(seeds.x[:1], "seed_input")
        output = adapter.numpy(adapter.outputs(x, Request(Target(layer, _unchanged, logits=False), feed)))
        if output.ndim < 3:
            return min(1, output.ndim - 1)
        try:
            arranged = adapter.numpy(adapter.outputs(x, Request(Target(layer, logits=False), feed)))
        except TargetError as error:
            raise _unknown(option, layer, output.shape) from error
    axes = [axis for axis in range(1, output.ndim) if np.array_equal(np.moveaxis(output, axis, 1), arranged)]
    if len(axes) != 1:  # of a layer whose outputs are all the same
        raise _unknown(option, layer, output.shape)
    return axes[0]


def _unchanged(output: Any) -> Any:
    return output


def _unknown(option: str, layer: Any, shape: tuple[int, ...]) -> TargetError:
    return TargetError(
        f"`{option}` ({shown(layer)}) outputs the shape {shape}, and the model does not show which axis holds the filters. "
        "Pass a user-defined loss that reads them from `self.layer.output`, or keepdims=True for the gradient at this layer"
    )

"""The channels of a network's layer, counted from 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from saliency import nets
from saliency.cli.network import gray_input
from saliency.cli.options import CommandError, OptionParser, channel_number
from saliency.core.adapter_request import Request
from saliency.core.shape_hints import add_shape_hints
from saliency.core.target import Target
from saliency.core.wrap import wrap


def add_channel_options(parser: OptionParser) -> None:
    """Add ``-layer`` and ``-chn``: a layer and its channels."""
    add = parser.add_option
    add("layer", required=True, metavar="Layer", help="layer of the channels, such as conv1, fc1 or features.3")
    add("chn", required=True, type=channel_number, nargs="+", metavar="Channel", help="channels, counting from 1")


@dataclass(frozen=True)
class LayerChannels:
    """The channels of a layer, as targets.

    Args:
        layer: name of the layer on the command line.
        path: path of the layer in the model; None if its output is the output of the model. In that case the target is the
            logit in front of the softmax.
        count: number of channels.
        class_names: class -> its name, if the output of the layer is that of the model.
    """

    layer: str
    path: str | None
    count: int
    class_names: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, network: nets.Network, layer: str) -> "LayerChannels":
        """Run the network on a gray image to find the channels of a layer.

        Raises:
            TargetError: if there is no such layer; the network has not been run then.
            CommandError: if the layer has no channels.
        """
        path, adapter = network.layer(layer), wrap(network.model)
        x = adapter.asarray(gray_input(network)[None])
        with add_shape_hints(adapter):
            activation = adapter.numpy(adapter.outputs(x, Request(Target(path))))
        if activation.ndim < 2:
            raise CommandError(
                f"-layer {layer} outputs an array of shape {activation.shape} for a batch of 1; "
                "it must be (images, channels, ...)"
            )
        output = adapter.outputs(x, Request(Target(logits=False)))
        is_last = hasattr(output, "shape") and np.array_equal(adapter.numpy(output), activation)
        return cls(layer, None if is_last else path, activation.shape[1], network.class_names if is_last else {})

    def check(self, numbers: Sequence[int]) -> None:
        """Check that the layer has the given channels.

        Args:
            numbers: channels, counting from 1.

        Raises:
            CommandError: if a number is too large.
        """
        too_large = [number for number in numbers if number > self.count]
        if too_large:
            raise CommandError(
                f"-chn (={too_large[0]}) must be between 1 and {self.count}: {self.layer} has {self.count} channels"
            )

    def name(self, number: int) -> str:
        """Return the description of a channel, counting from 1, such as ``channel 4`` or ``channel 4 (digit 3)``."""
        name = self.class_names.get(number - 1)
        return f"channel {number}" if name is None else f"channel {number} ({name})"

    def target(self, number: int) -> Any:
        """Return the target of a mask for one channel, counting from 1."""
        return number - 1 if self.path is None else (self.path, number - 1)

"""The channels of a network's layer, counted from 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import saliency
from saliency import nets
from saliency.cli.channel_choice import ChannelChoice
from saliency.cli.network import gray_input
from saliency.cli.options import CommandError, OptionParser


def add_channel_options(parser: OptionParser) -> None:
    """Add the options that say what is explained: a layer, its channels, and the names of classes."""
    add = parser.add_option
    add("layer", metavar="Layer", help="layer of the channels, such as conv1 or features.3 (default: the network's output)")
    add(
        "chn",
        type=ChannelChoice.parse,
        nargs="+",
        metavar="Channel",
        help="channels, counting from 1; top, each image's top class; target, its class in the stimulus file; 340-21, channel "
        "340 rather than 21 (default: target if the file has classes, else top)",
    )
    add(
        "target",
        metavar="Column",
        help="column of the stimulus file with the class of each image, a name or a number from 0; in a column chn, channels "
        "from 1 (default: class or label)",
    )
    names = "names of the classes: a file with a name per line, a .json file, or the word imagenet"
    add("class-names", metavar="FILE", help=names)


@dataclass(frozen=True)
class LayerChannels:
    """The channels of a layer, as targets.

    Args:
        layer: name of the layer on the command line.
        path: path of the layer in the model; None if its output is the output of the model. In that case the target is the
            logit in front of the softmax.
        count: number of channels.
        class_names: class, counting from 0 -> its name, if the output of the layer is that of the model.
        is_vector: whether the output has no axes behind the channels.
    """

    layer: str
    path: str | None
    count: int
    class_names: Mapping[int, str] = field(default_factory=dict)
    is_vector: bool = False

    @classmethod
    def of(cls, network: nets.Network, layer: str | None) -> LayerChannels:
        """Run the network on a gray image to find the channels of a layer.

        Args:
            network: the network.
            layer: name of the layer; None for the network's output.

        Raises:
            TargetError: if there is no such layer; the network has not been run then.
            CommandError: if the layer has no channels.
        """
        from saliency.core.adapter_request import Request
        from saliency.core.shape_hints import add_shape_hints
        from saliency.core.target import Target

        path, adapter = None if layer is None else network.layer(layer), saliency.wrap(network.model)
        x = adapter.asarray(gray_input(network)[None])
        with add_shape_hints(adapter):
            output = adapter.outputs(x, Request(Target(logits=False)))
            activation = adapter.numpy(_checked_output(output) if path is None else adapter.outputs(x, Request(Target(path))))
        if activation.ndim < 2:
            where = "the network" if layer is None else f"-layer {layer}"
            raise CommandError(
                f"{where} outputs an array of shape {activation.shape} for a batch of 1; it must be (images, channels, ...)"
            )
        is_last = path is None or (hasattr(output, "shape") and np.array_equal(adapter.numpy(output), activation))
        names = network.class_names if is_last else {}
        return cls(layer or "output", None if is_last else path, activation.shape[1], names, activation.ndim == 2)

    @property
    def classifies(self) -> bool:
        """Whether the channels are the scores of several classes: the network's output, without axes behind the channels."""
        return self.path is None and self.is_vector and self.count > 1

    def check(self, choices: Sequence[ChannelChoice]) -> None:
        """Check that the layer has the given channels.

        Raises:
            CommandError: if a number is too large.
        """
        numbers = [term for choice in choices for term in choice.terms if isinstance(term, int)]
        too_large = [number for number in numbers if number > self.count]
        if too_large:
            raise CommandError(
                f"-chn (={too_large[0]}) must be between 1 and {self.count}: {self.layer} has {self.count} channels"
            )

    def describe(self, channel: int) -> str:
        """Return the description of a channel, counting from 1: ``channel 4``, or ``channel 4 (digit 3)``."""
        name = self.class_names.get(channel - 1)
        return f"channel {channel}" if name is None else f"channel {channel} ({name})"

    def name(self, channel: int) -> str:
        """Return the name of a channel, counting from 1, such as ``digit 3``; without a name, ``channel 4``."""
        return self.class_names.get(channel - 1, f"channel {channel}")

    def target(self, channels: Sequence[int]) -> Any:
        """Return the target of a mask for one channel, counting from 1, or for the difference of two."""
        targets = [number - 1 if self.path is None else (self.path, number - 1) for number in channels]
        return targets[0] if len(targets) == 1 else saliency.Difference(*targets)


def _checked_output(output: Any) -> Any:
    """Return a network's output.

    Raises:
        CommandError: if it is not one array.
    """
    if not hasattr(output, "shape"):
        raise CommandError(f"the network's output is a {type(output).__name__}, not one array; choose a layer with -layer")
    return output

"""The channels of a network's layer, counted from 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from saliency import nets
from saliency.cli.network import grey
from saliency.cli.options import Refused
from saliency.core.request import Request
from saliency.core.shape_hints import add_shape_hints
from saliency.core.target import Target
from saliency.core.wrap import wrap


@dataclass(frozen=True)
class Channels:
    """A layer's channels as targets.

    Args:
        layer: its name on the command line.
        path: its path in the model; None if its output is the model's, whose classes are explained in front of a softmax.
        count: how many channels it has.
    """

    layer: str
    path: str | None
    count: int

    @classmethod
    def of(cls, network: nets.Network, layer: str) -> "Channels":
        """Look at a layer, by running the network on a grey picture.

        Raises:
            TargetError: if there is no such layer; the network has not run then.
            Refused: if it has no channels.
        """
        path, adapter = network.layer(layer), wrap(network.model)
        x = adapter.asarray(grey(network)[None])
        with add_shape_hints(adapter):
            found = adapter.numpy(adapter.outputs(x, Request(Target(path))))
        if found.ndim < 2:
            raise Refused(f"-layer {layer} gives an array {found.shape} for 1 picture; it must be (pictures, channels, ...)")
        whole = adapter.outputs(x, Request(Target(logits=False)))
        last = hasattr(whole, "shape") and np.array_equal(adapter.numpy(whole), found)
        return cls(layer, None if last else path, found.shape[1])

    def check(self, numbers: Sequence[int]) -> None:
        """Check that the layer has the channels.

        Raises:
            Refused: if a number is greater than that of its channels.
        """
        outside = [number for number in numbers if number > self.count]
        if outside:
            raise Refused(f"-chn (={outside[0]}) must be a channel of {self.layer}, whose channels run from 1 to {self.count}")

    def target(self, number: int) -> Any:
        """Return what a mask explains for a channel."""
        return number - 1 if self.path is None else (self.path, number - 1)

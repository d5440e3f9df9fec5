"""The activation of a network's layers to pictures, as far as units are wanted."""

import argparse
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency import nets
from saliency.cli import unit_selection
from saliency.cli.network import grey
from saliency.cli.options import Refused
from saliency.core.errors import MemoryShortage
from saliency.core.request import Request
from saliency.core.runner import default_batch_size
from saliency.core.shape_hints import add_shape_hints
from saliency.core.target import Target
from saliency.core.wrap import wrap
from saliency.io.chunks import Shape
from saliency.io.dmask import Dmask, Units
from saliency.io.memory_layer import InMemoryLayer
from saliency.io.pooling import POOLS

Array = npt.NDArray[Any]


def all_layers(network: nets.Network) -> Dmask:
    """Return the mask of all layers that DNNBrain, or the network itself, names.

    Raises:
        Refused: if there is no such list; all modules, each with those inside of it, would be the same values many times.
    """
    if not network.named:
        raise Refused(f"{network.name} has no list of layers such as DNNBrain's networks have; name those wanted by -layer")
    return Dmask({name: Units() for name in network.named})


class Activations:
    """Layers, masked and pooled; the network runs once for a grey picture, to learn their shapes.

    Args:
        network: by name.
        mask: layers and their units.
        options: that these are from, and ``-pool`` and ``-batch``.

    Raises:
        TargetError: if the network has no such layer.
        Refused: if a layer is no map, or has no such unit.
    """

    def __init__(self, network: nets.Network, mask: Dmask, options: argparse.Namespace) -> None:
        self._mask, self._pool = mask, options.pool
        self._paths = {name: network.layer(name) for name in mask.layers}
        self._adapter = wrap(network.model)
        grey_one = grey(network)
        x = self.inputs([grey_one])
        self._maps: dict[str, Shape] = {}
        self.shapes: dict[str, Shape] = {}
        for name, chosen in mask.layers.items():
            values = self._values(name, x)
            self._maps[name] = values.shape[1:]
            unit_selection.check(options, Dmask({name: chosen}), self._maps)
            self.shapes[name] = self._wanted(name, values).shape[1:]
        self.batch: int = options.batch or default_batch_size(grey_one, self._adapter)

    def inputs(self, prepared: Sequence[Array]) -> Any:
        """Bring n inputs, as the network prepares them, to its device."""
        return self._adapter.stack(list(prepared))

    def of(self, name: str, x: Any) -> Array:
        """Return a layer's activation to n inputs, (n, *shapes[name]), float32.

        Raises:
            Refused: if the layer's map has another shape than before.
        """
        values = self._values(name, x)
        if values.shape[1:] != self._maps[name]:
            raise Refused(
                f"-layer {name} gives {values.shape[1:]} for inputs of shape {tuple(x.shape[1:])}, and {self._maps[name]} for "
                "a grey picture; a file of activations has one shape: the network must prepare all pictures alike"
            )
        return self._wanted(name, values)

    def _wanted(self, name: str, values: Array) -> Array:
        chosen = astuple(self._mask.layers[name])
        if chosen != (None, None, None):
            values = InMemoryLayer.from_array(values).take(None, *chosen).read()
        return values if self._pool is None else POOLS[self._pool](values).astype(np.float32, copy=False)

    def _values(self, name: str, x: Any) -> Array:
        """Return all of a layer, (n, channels, rows, columns)."""
        found = self._run(self._paths[name], x).astype(np.float32, copy=False)
        if found.ndim not in (2, 4) or len(found) != x.shape[0]:
            rule = "(stimuli, channels) or (stimuli, channels, rows, columns)"
            raise Refused(
                f"-layer {name} gives an array {found.shape} for {x.shape[0]} pictures; an activation must be {rule}"
            )
        return found if found.ndim == 4 else found[:, :, None, None]

    def _run(self, path: str, x: Any) -> Array:
        try:
            with add_shape_hints(self._adapter):
                return self._adapter.numpy(self._adapter.outputs(x, Request(Target(path))))
        except MemoryShortage:
            if x.shape[0] == 1:
                raise
        half = x.shape[0] // 2
        return np.concatenate([self._run(path, x[:half]), self._run(path, x[half:])])

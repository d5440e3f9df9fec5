"""Compute the activations of selected units of a network."""

import argparse
from collections.abc import Hashable, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency import nets
from saliency.cli.network import gray_input
from saliency.cli.options import CommandError
from saliency.cli.unit_selection import check_units
from saliency.core.adapter_request import Request
from saliency.core.batch_independence import InteractingSamples, evaluate_checked
from saliency.core.errors import MemoryShortage
from saliency.core.mask_runner import default_batch_size
from saliency.core.shape_hints import add_shape_hints
from saliency.core.target import Target
from saliency.core.wrap import wrap
from saliency.io.chunks import Shape
from saliency.io.dmask import Dmask, Units
from saliency.io.memory_layer import InMemoryLayer
from saliency.io.pooling import POOLS

Array = npt.NDArray[Any]
MAX_LISTED_LAYERS = 40


def mask_of_all_layers(network: nets.Network) -> Dmask:
    """Return the mask of all layers that DNNBrain, or the network itself, lists.

    Raises:
        CommandError: if there is no list. All modules of the model would be too many: modules contain other modules, so the
            same values would be stored several times.
    """
    if not network.named:
        paths = list(network.paths)
        rest = f", ... ({len(paths)} in all)" if len(paths) > MAX_LISTED_LAYERS else ""
        raise CommandError(
            f"{network.name} has no list of layers, as DNNBrain's networks have; select some with -layer: "
            f"{', '.join(paths[:MAX_LISTED_LAYERS])}{rest}"
        )
    return Dmask({name: Units() for name in network.named})


class ActivationExtractor:
    """Compute the activations of layers, then select units and pool them. Runs the network once to find the shapes.

    Args:
        network: the network.
        mask: the layers and their units.
        options: options of the command: those of the mask, ``-pool`` and ``-batch``.

    Raises:
        TargetError: if the network does not have one of the layers.
        CommandError: if the output of a layer is not a map, or the layer does not have one of the units.
    """

    def __init__(self, network: nets.Network, mask: Dmask, options: argparse.Namespace) -> None:
        self._mask, self._pool = mask, options.pool
        self._paths = {name: network.layer(name) for name in mask.layers}
        self._adapter = wrap(network.model)
        self._independence: dict[Hashable, bool] = {}
        gray = gray_input(network)
        x = self.stack([gray])
        self._layer_shapes: dict[str, Shape] = {}
        self.shapes: dict[str, Shape] = {}
        for name, units in mask.layers.items():
            values = self._layer_activation(name, x)
            self._layer_shapes[name] = values.shape[1:]
            check_units(options, Dmask({name: units}), self._layer_shapes)
            self.shapes[name] = self._select_and_pool(name, values).shape[1:]
        self.batch: int = options.batch or default_batch_size(gray, self._adapter)

    def stack(self, inputs: Sequence[Array]) -> Any:
        """Return n preprocessed inputs as one batch on the network's device."""
        return self._adapter.stack(list(inputs))

    def compute(self, name: str, x: Any) -> tuple[Array, dict[int, str]]:
        """Compute the activation of a layer for a batch of n inputs.

        Returns:
            The activation (n, *shapes[name]), float32; and the reason for each input that does not fit into memory, by index.
            Its activation is NaN.

        Raises:
            CommandError: if the shape of the layer's output differs from that for the gray image.
        """
        try:
            return self._select_and_pool(name, self._checked_activation(name, x)), {}
        except MemoryShortage as shortage:
            if x.shape[0] == 1:
                return np.full((1, *self.shapes[name]), np.nan, np.float32), {0: str(shortage)}
        half = x.shape[0] // 2
        (first, first_short), (last, last_short) = self.compute(name, x[:half]), self.compute(name, x[half:])
        return np.concatenate([first, last]), first_short | {half + i: reason for i, reason in last_short.items()}

    def _checked_activation(self, name: str, x: Any) -> Array:
        values = self._layer_activation(name, x)
        if values.shape[1:] != self._layer_shapes[name]:
            raise CommandError(
                f"-layer {name} outputs {values.shape[1:]} for inputs of shape {tuple(x.shape[1:])}, and "
                f"{self._layer_shapes[name]} for a gray image; all activations in a file have one shape, so the network's "
                "preprocessing must return inputs of one size"
            )
        return values

    def _select_and_pool(self, name: str, values: Array) -> Array:
        units = astuple(self._mask.layers[name])
        if units != (None, None, None):
            values = InMemoryLayer.from_array(values).take(None, *units).read()
        return values if self._pool is None else POOLS[self._pool](values).astype(np.float32, copy=False)

    def _layer_activation(self, name: str, x: Any) -> Array:
        """Return the activation of a whole layer: (n, channels, rows, columns)."""
        values = self._forward(self._paths[name], x).astype(np.float32, copy=False)
        if values.ndim not in (2, 4) or len(values) != x.shape[0]:
            rule = "(stimuli, channels) or (stimuli, channels, rows, columns)"
            raise CommandError(
                f"-layer {name} outputs an array of shape {values.shape} for a batch of {x.shape[0]}; it must be {rule}"
            )
        return values if values.ndim == 4 else values[:, :, None, None]

    def _forward(self, path: str, x: Any) -> Array:
        try:
            with add_shape_hints(self._adapter):
                request = Request(Target(path))
                (outputs,) = evaluate_checked(self._outputs, self._adapter, x, request, self._independence)
                return self._adapter.numpy(outputs)
        except InteractingSamples:
            return np.concatenate([self._forward(path, x[i : i + 1]) for i in range(x.shape[0])])

    def _outputs(self, x: Any, request: Request) -> tuple[Any]:
        return (self._adapter.outputs(x, request),)

"""Find and remember which axes of the output of a layer, or of the model, hold samples and channels."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from saliency.core.layer_axes import LayerAxes, UsualAxes, check_layer_axes, find_layer_axes
from saliency.core.layer_entries import read_entry
from saliency.core.numerics.resampling import spatial_axes
from saliency.core.output_axes import find_output_axes, output_order
from saliency.core.target import Target
from saliency.torch.layer_memory import LayerMemory, memory_of
from saliency.torch.layers import LayerPlace, find_place, forward_hooks
from saliency.torch.model_call import ModelCall
from saliency.torch.positions.reading import arrange, centers_of
from saliency.torch.positions.recorder import PositionRecorder
from saliency.torch.positions.state import Positions

CHANNELS_ON_AXIS_1 = tuple(f"torch.nn.modules.{name}" for name in ("conv", "batchnorm", "instancenorm", "pooling"))
"""Modules of layers that define axis 1 of their output as the channels."""


class OutputAxesNeeded(Exception):  # noqa: N818 - not an error
    """A pass needs the axes of the model's output, which ``TargetAxes.find_of_output`` finds in a pass of its own."""


class TargetAxes:
    """The axes of the outputs of layers that targets read; each layer's are found in one forward pass, and remembered.

    Args:
        call: calls the model.
        channels_last: whether the model's layers have their channels last, as in Keras.
    """

    def __init__(self, call: ModelCall, channels_last: bool) -> None:
        self._call, self._channels_last = call, channels_last
        self._memory = LayerMemory([])
        self.channel_axis: int | None = None  # of one input; the adapter sets it

    def find(self, run: Callable[[], Any], x: torch.Tensor, target: Target, feed: Mapping[str, Any]) -> None:
        """Find the axes of the layer whose channels a target names, unless they are known; not for joined inputs.

        Args:
            run: runs the model on ``x``.
            x: (N, *input).
            target: the target.
            feed: the model's other inputs.
        """
        if target.layer is None or target.function is not None or self._call.layout is not None:
            return
        self._memory, place = memory_of(self._call.model), find_place(self._call.model, target.layer)
        key = self._key(place, x, feed)
        if key not in self._memory.axes:
            is_defined = not self._channels_last and not place.entry and type(place.module).__module__ in CHANNELS_ON_AXIS_1
            self._memory.axes[key] = LayerAxes(0, 1) if is_defined else self._recorded(run, place, x, target)

    def find_of_output(self, run: Callable[[], Any], x: torch.Tensor, feed: Mapping[str, Any], choice: Any) -> None:
        """Find the axes of the model's output.

        Args:
            run: runs the model on ``x`` and returns the output that a target reads.
            x, feed: as for ``find``.
            choice: the user's choice of an output.
        """
        joined = self._call.layout is not None
        dims = (None,) * 3 if joined else spatial_axes(self.channel_axis, x.ndim)  # joined inputs are numbers in a row
        recorder = PositionRecorder(x, dims, begins_grids=True)
        with torch.no_grad(), recorder:
            output = run()
        positions, shape = recorder.of(output), tuple(output.shape)
        is_known = positions is not None and not positions.in_pairs and 0 not in shape
        *spatial, samples = map(centers_of, positions.axes) if positions is not None and is_known else [None]
        memory_of(self._call.model).axes[self._output_key(x, feed, choice)] = find_output_axes(spatial, samples, shape, len(x))

    def arrange_output(self, output: Any, x: torch.Tensor, target: Target, feed: Mapping[str, Any], choice: Any) -> Any:
        """Return the model's output as (N, channels, *space), a view if possible.

        Raises:
            OutputAxesNeeded: if the axes must be found first.
            TargetError: if they are not known.
        """

        def find() -> LayerAxes | None:
            memory, key = memory_of(self._call.model).axes, self._output_key(x, feed, choice)
            if key not in memory:
                raise OutputAxesNeeded
            return memory[key]

        order = output_order(target, output.shape, find) if isinstance(output, torch.Tensor) else None
        return output if order is None else output.permute(order)

    def _recorded(self, run: Callable[[], Any], place: LayerPlace, x: torch.Tensor, target: Target) -> LayerAxes | None:
        """Return the axes of a layer's output, from the positions of the input that reach it."""
        found: list[tuple[Positions | None, tuple[int, ...]]] = []
        recorder, thread = PositionRecorder(x, spatial_axes(self.channel_axis, x.ndim)), threading.get_ident()

        def record(_module: nn.Module, _inputs: Any, output: Any) -> None:
            value = read_entry(output, place.entry)
            if threading.get_ident() == thread and isinstance(value, torch.Tensor):
                found.append((recorder.of(value), tuple(value.shape)))

        name = target.layer if isinstance(target.layer, str) else None
        with torch.no_grad(), recorder, forward_hooks(place.module, record, name=name):
            run()
        if len(found) != 1:  # a target needs a single call
            return None
        positions, shape = found[0]
        is_known = positions is not None and not positions.in_pairs and 0 not in shape
        *spatial, samples = map(centers_of, positions.axes) if positions is not None and is_known else [None]
        return find_layer_axes(spatial, samples, shape, len(x), self._usual(x))

    def arrange(self, output: Any, x: torch.Tensor, target: Target, feed: Mapping[str, Any]) -> Any:
        """Return a layer's output as (N, channels, *space), a view if possible.

        Raises:
            TargetError: if the axes are not known, or the target names a row and a column and the grid is not known.
        """
        if target.function is not None or output.ndim <= 2:
            return output
        usual = self._usual(x)
        key = self._key(find_place(self._call.model, target.layer), x, feed)
        axes = self._memory.axes.get(key, usual.axes(output.ndim))
        axes, grid = check_layer_axes(axes, output.shape, target.layer, usual, target.units.shape[-1] > 1)
        if grid is not None:
            return arrange(output, grid)
        order = axes.channels_first(output.ndim)
        return output if order == tuple(range(output.ndim)) else output.permute(order)

    def _usual(self, x: torch.Tensor) -> UsualAxes:
        return UsualAxes.of(x.ndim, self.channel_axis, self._call.layout, self._channels_last)

    def _key(self, place: LayerPlace, x: torch.Tensor, feed: Mapping[str, Any]) -> Any:
        return id(place.module), place.entry, self._call.input, tuple(x.shape[1:]), tuple(feed), self.channel_axis

    def _output_key(self, x: torch.Tensor, feed: Mapping[str, Any], choice: Any) -> Any:
        return "output", choice, self._call.input, tuple(x.shape[1:]), tuple(feed), self.channel_axis

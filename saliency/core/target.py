"""Targets: a class, a layer's channel or unit, or any function of the outputs."""

from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import ref

import numpy as np
import numpy.typing as npt

from saliency.core.box import Box
from saliency.core.errors import TargetError
from saliency.core.score_reading import call_target, check_indices, check_one_per_sample, read_scores, with_channel_axis
from saliency.core.target_terms import Difference, channel_axis_of, check_layer, parse_terms, reads_positions
from saliency.core.types import ChannelAxis
from saliency.core.validation import shown


@dataclass(frozen=True)
class Target:
    """The target of N samples, which selects one score per sample from the output of the model or of a layer.

    Several samples may share an input: the T targets of one input are consecutive.

    Args:
        layer: name of the layer whose output is read, or the layer itself; None for the model's output. With a function, it
            may be a tuple of several layers.
        function: returns one number per sample, (N,) or (N, 1), from the model's unchanged output, from the layer's output,
            or from a tuple of the outputs of several layers. With ``rows``, it is called as ``function(outputs, rows, n,
            adapter)`` for n inputs, and returns one number for each row.
        units: (N, terms, 1) channels, or (N, terms, 3) channel, row and column, starting at 0. A sample's score is the sum of
            its terms. A channel without a position is averaged over space.
        weights: (N, terms), 1 for a term that is added, -1 for one that is subtracted, and 0 for padding.
        logits: if the model ends in a softmax or sigmoid, read the logit.
        spatial_axes: number of spatial axes of an input, against which those of an output are checked; None for no check.
        rows: (N, numbers), what the function receives for each sample, on the host; None for a function of outputs alone.
        channel_axis: the axis of the model's output that holds the channels, counted with the samples; ``"found"`` for the one
            that the model proves, None if ``units`` index all axes as they are.
    """

    layer: Any = None
    function: Callable[..., Any] | None = None
    units: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 1, 1), np.int64))
    weights: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 1)))
    logits: bool = True
    spatial_axes: int | None = None
    rows: npt.NDArray[np.float64] | None = None
    channel_axis: ChannelAxis = "found"

    @classmethod
    def of(
        cls,
        ys: Sequence[Any],
        logits: bool = True,
        spatial_axes: int | None = None,
        channel_axis: ChannelAxis = "found",
    ) -> "Target":
        """Return the target for N values of the option ``y``.

        Args:
            ys: one entry for each sample, in one of the forms that ``SaliencyMask`` accepts, but not None.
            logits, spatial_axes, channel_axis: see ``Target``.

        Raises:
            TargetError: if an entry has another form, or the samples' layers or functions differ.
        """
        functions = [function for function in map(function_of, ys) if function is not None]
        for layer, _ in functions:
            check_layer(layer, ys[0])
        if len(functions) == len(ys) and all(function == functions[0] for function in functions):
            return cls(*functions[0], logits=False, spatial_axes=spatial_axes, channel_axis=channel_axis)
        if functions:
            raise TargetError(
                "`y` holds several functions, or both functions and indices; pass one function for all inputs of a call"
            )
        terms = [parse_terms(y) for y in ys]
        layers = [each.layer for each in terms]
        if any(layer is not layers[0] and layer != layers[0] for layer in layers):
            named = ", ".join("the output" if layer is None else str(layer) for layer in layers)
            raise TargetError(f"`y` names several layers ({named}); pass one layer for all inputs of a call")
        if len({each.units.shape[1] for each in terms}) > 1:
            raise TargetError(f"`y` ({shown(ys)}) mixes channels and single units; pass only channels or only units in a call")
        longest = max(len(each.units) for each in terms)
        padded = [each.padded(longest) for each in terms]
        return cls(
            layers[0],
            units=np.array([each.units for each in padded]),
            weights=np.array([each.weights for each in padded]),
            logits=logits,
            spatial_axes=spatial_axes,
            channel_axis=channel_axis,
        )

    @property
    def layers(self) -> tuple[Any, ...]:
        """The layers whose outputs are read; empty if the model's output is read."""
        several = self.function is not None and isinstance(self.layer, tuple)
        return self.layer if several else () if self.layer is None else (self.layer,)

    @property
    def kinds(self) -> Hashable:
        """What distinguishes the samples' targets from others, in any order; functions are referenced weakly."""
        function: Any = self.function
        with suppress(TypeError):  # no weak references
            function = function if function is None or hasattr(function, "__self__") else ref(function)
        return function, frozenset(units.tobytes() for units in self.units)

    def repeat(self, times: int) -> "Target":
        """Return the target of ``times`` copies of the samples, one copy after the other."""
        rows = None if self.rows is None else np.tile(self.rows, (times, 1))
        return replace(self, units=np.tile(self.units, (times, 1, 1)), weights=np.tile(self.weights, (times, 1)), rows=rows)

    def take(self, samples: slice) -> "Target":
        """Return the target of some of the samples."""
        rows = None if self.rows is None else self.rows[samples]
        return replace(self, units=self.units[samples], weights=self.weights[samples], rows=rows)

    def scores(self, outputs: Any, n: int, adapter: Any) -> Any:
        """Return one score per sample from outputs.

        Args:
            outputs: (N, channels, *space), the output of the layer or the model. For a function, the output of the model or
                the layer as it is, or a tuple of the outputs of several layers.
            n: number of inputs N.
            adapter: the adapter of the outputs.

        Returns:
            (N * T,), in the output's units; T is 1 for a function without rows.

        Raises:
            ModelError: if the output is not an array (N, ...).
            TargetError: if an index is outside the output, or the function fails or does not return one number per sample.
        """
        if self.function is not None and self.rows is not None:
            return self.function(outputs, self.rows, n, adapter)
        if self.function is not None:
            return check_one_per_sample(call_target(self.function, outputs), n)
        outputs = with_channel_axis(outputs, n)
        self.check(outputs.shape)
        weights = adapter.asarray(self.weights) if self.weights.shape[1] > 1 else None
        return read_scores(outputs, self.positions(n), weights, adapter.xp, lambda index: adapter.asfeed(index, "y"))

    def check(self, shape: Sequence[int]) -> None:
        """Check that the indices are within an output (N, channels, *space).

        Raises:
            TargetError: if one is outside, or the output for images has one axis besides classes, which may be anything.
        """
        if self.spatial_axes == 2 and len(shape) == 3 and self.layer is None and self.units.shape[-1] == 1:
            channel = self.units[0, 0, 0]
            raise TargetError(
                f"`y` (class {channel}): the model's output for images has two axes besides that of the samples, with "
                f"{shape[1]} and {shape[2]} entries, and it is not known what they are. For an object detector, pass a "
                f"saliency.Box, as saliency.Box.top(0). For number {channel} of axis 1 or 2, averaged over the other axis, "
                f"pass saliency.Region({channel}, axis=1) or axis=2. Else pass a callable `y`"
            )
        check_indices(self.units, shape, self.layer)

    def per_input(self, n: int) -> int:
        """Return T, the number of targets of each of N inputs; 1 for a function without rows."""
        samples = self.units if self.function is None else self.rows
        return 1 if samples is None else len(samples) // n

    def positions(self, n: int) -> npt.NDArray[np.int64]:
        """Return the indices of all terms, (N * T, terms, 2 or 4): input, channel and, for units, row and column."""
        (samples, terms, axes), per_input = self.units.shape, self.per_input(n)
        positions = np.empty((samples, terms, axes + 1), np.int64)
        positions[..., 0], positions[..., 1:] = np.arange(samples)[:, None] // per_input, self.units
        return positions


def place_of(y: Any) -> Hashable:
    """Return where a target is read: its layer and kind. Only targets of one place can be evaluated in one pass."""
    found = function_of(y)
    if found is not None:
        layer, function = found
        bound_to = id(getattr(function, "__self__", None))  # each access to a method makes a new object
        return "function", _layer_key(layer), id(getattr(function, "__func__", function)), bound_to
    if isinstance(y, Box):
        return "box", y.no_object, y.objectness
    if reads_positions(y):
        return "region", channel_axis_of(y)
    single = y.one if isinstance(y, Difference) else y
    placed = isinstance(single, tuple) and len(single) in (2, 4)
    return "units", _layer_key(single[0]) if placed else None, len(single) if placed else 2, channel_axis_of(y)


def _layer_key(layer: Any) -> Hashable:
    if isinstance(layer, tuple):
        return tuple(map(_layer_key, layer))
    return layer if layer is None or isinstance(layer, str) else id(layer)


def function_of(y: Any) -> tuple[Any, Callable[[Any], Any]] | None:
    """Return (layers or None, function) for a target with a function; None for any other target."""
    if isinstance(y, tuple) and len(y) == 2 and callable(y[1]):
        layer, function = y
        return (tuple(layer) if isinstance(layer, list | tuple) else layer), function
    return (None, y) if callable(y) else None

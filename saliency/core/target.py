"""What is explained: a class, a layer's channel or unit, a loss, or any function of the model's output."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import TargetError
from saliency.core.score_reading import check_indices, check_one_per_sample, read_scores, with_channel_axis
from saliency.core.validation import as_index

FORMS = "an int, a list of ints, (layer, channel), (layer, channel, row, column), a callable, (layer, callable) or None"


@dataclass(frozen=True)
class Target:
    """The target of N samples: one number per sample, read off the model's output or off a layer's.

    Several samples may share an input: T targets of one input stand one after the other.

    Args:
        layer: name or object of the layer whose output is read; None for the model's output; for a function also several, a
            tuple.
        function: from the model's output, as the model gives it, or from the layer's, or a tuple of several layers', to one
            number per sample, (N,) or (N, 1).
        units: (N, terms, 1) channels or (N, terms, 3) channel, row, column; a sample's score is the sum of its terms,
            and a channel alone is its mean over space. All integers from 0.
        weights: (N, terms), 1 for a term that counts and 0 for one that fills up the row.
        logits: where the model ends in a softmax or sigmoid, read the number in front of it.
    """

    layer: Any = None
    function: Callable[[Any], Any] | None = None
    units: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 1, 1), np.int64))
    weights: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 1)))
    logits: bool = True

    @classmethod
    def of(cls, ys: Sequence[Any], logits: bool = True) -> "Target":
        """Read the users' spelling of N targets.

        Args:
            ys: one entry a sample: an int (class), a list of ints (their sum), a tuple (layer, channel) or
                (layer, channel, row, column), or a callable from the model's output to one number per sample; (layer,
                callable) and ((layer, layer, ...), callable) read it off outputs of layers.
            logits: see the class.

        Raises:
            TargetError: if an entry has another form, or the samples' layers or functions differ.
        """
        functions = [function for function in map(function_of, ys) if function is not None]
        if len(functions) == len(ys) and all(function == functions[0] for function in functions):
            return cls(*functions[0], logits=False)
        if functions:
            raise TargetError("`y` holds several functions, or functions beside indices; one call takes one function for all")
        layers, units = zip(*(_parse_target(y) for y in ys), strict=True)
        if any(layer is not layers[0] and layer != layers[0] for layer in layers):
            named = ", ".join("the output" if layer is None else str(layer) for layer in layers)
            raise TargetError(f"`y` names several layers ({named}); one call explains one layer")
        if len({len(unit) for terms in units for unit in terms}) > 1:
            raise TargetError(f"`y` ({ys!r}) mixes channels and single units; one call takes one kind")
        terms = max(len(unit) for unit in units)
        filled = [list(unit) + [unit[0]] * (terms - len(unit)) for unit in units]
        weights = [[1.0] * len(unit) + [0.0] * (terms - len(unit)) for unit in units]
        return cls(layers[0], units=np.array(filled, np.int64), weights=np.array(weights), logits=logits)

    @property
    def layers(self) -> tuple[Any, ...]:
        """The layers whose outputs are read; none where the model's is."""
        several = self.function is not None and isinstance(self.layer, tuple)
        return self.layer if several else () if self.layer is None else (self.layer,)

    def repeat(self, times: int) -> "Target":
        """Return the target of ``times`` copies of the samples, copy after copy."""
        return replace(self, units=np.tile(self.units, (times, 1, 1)), weights=np.tile(self.weights, (times, 1)))

    def take(self, samples: slice) -> "Target":
        """Return the target of some of the samples."""
        return replace(self, units=self.units[samples], weights=self.weights[samples])

    def scores(self, outputs: Any, n: int, adapter: Any) -> Any:
        """Read one score per sample off the outputs.

        Args:
            outputs: (N, channels, *space) of the layer or the model; for a function, whatever the model or the layer gives,
                or a tuple of what the layers give.
            n: number of inputs N.
            adapter: the outputs' adapter.

        Returns:
            (N * T,) in the output's units; a function has one target an input.

        Raises:
            ModelError: if the output is not an array (N, ...).
            TargetError: if an index is outside the output, or the function does not give one number per sample.
        """
        if self.function is not None:
            return check_one_per_sample(self.function(outputs), n)
        outputs = with_channel_axis(outputs, n)
        self.check(outputs.shape)
        weights = adapter.asarray(self.weights) if self.weights.shape[1] > 1 else None
        return read_scores(outputs, self.positions(n), weights, adapter.xp, lambda index: adapter.asfeed(index, "y"))

    def check(self, shape: Sequence[int]) -> None:
        """Refuse indices that are not in an output (N, channels, *space).

        Raises:
            TargetError: if one is outside.
        """
        check_indices(self.units, shape, self.layer)

    def per_input(self, n: int) -> int:
        """Return T, the number of targets of each of N inputs; a function is one."""
        return 1 if self.function is not None else len(self.units) // n

    def positions(self, n: int) -> npt.NDArray[np.int64]:
        """Return where the terms of N inputs stand: (N * T, terms, 2 or 4) input, channel and, for a unit, row and column."""
        samples = np.arange(len(self.units)) // self.per_input(n)
        return np.concatenate([np.broadcast_to(samples[:, None, None], (*self.units.shape[:2], 1)), self.units], axis=2)


def function_of(y: Any) -> tuple[Any, Callable[[Any], Any]] | None:
    """Return the layers, or None, and the function of a target that is one; None for any other target."""
    if isinstance(y, tuple) and len(y) == 2 and callable(y[1]):
        layer, function = y
        return (tuple(layer) if isinstance(layer, list | tuple) else layer), function
    return (None, y) if callable(y) else None


def _parse_target(y: Any) -> tuple[Any, list[tuple[int, ...]]]:
    """Return (layer, terms) of one sample's target."""
    layer, indices = (y[0], y[1:]) if isinstance(y, tuple) and len(y) in (2, 4) else (None, (y,))
    several = len(indices) == 1 and (isinstance(indices[0], list | range) or getattr(indices[0], "ndim", 0) == 1)
    units = [(index,) for index in indices[0]] if several else [indices]
    parsed = [tuple(as_index(index) for index in unit) for unit in units]
    if not parsed or as_index(layer) is not None or any(index is None for unit in parsed for index in unit):
        raise TargetError(f"`y` (={y!r}) must be {FORMS}; an index is a whole number")
    return layer, [tuple(index for index in unit if index is not None) for unit in parsed]

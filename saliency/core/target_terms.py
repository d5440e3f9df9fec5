"""Parse targets that are sums or differences of classes, channels or units."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from saliency.core.errors import TargetError
from saliency.core.region import Region
from saliency.core.types import ChannelAxis
from saliency.core.validation import MAX_COUNT, as_index, shown

FORMS = (
    "an int, a list of ints, (layer, channel), (layer, channel, row, column), saliency.Difference, saliency.Region, "
    "saliency.Box, a callable, (layer, callable) or None"
)


@final
@dataclass(frozen=True)
class Difference:
    """A target: the score of one class minus that of another. It shows why the model chose one class rather than the other.

    Args:
        one: the explained class: an int, a list of ints (their sum), (layer, channel), (layer, channel, row, column), or a
            ``Region``.
        other: the class that it is compared with, in the same form. Channels of both must be in the same layer.
    """

    one: Any
    other: Any


@dataclass(frozen=True)
class Terms:
    """A weighted sum of classes, channels or units.

    Args:
        layer: name of the layer, or the layer itself; None for the model's output.
        units: (terms, 1) channels, or (terms, axes of the output) channel and position.
        weights: (terms,).
    """

    layer: Any
    units: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]

    def padded(self, length: int) -> "Terms":
        """Return the same sum with further terms of weight 0."""
        more = length - len(self.units)
        if not more:
            return self
        units = np.concatenate([self.units, np.repeat(self.units[:1], more, 0)])
        return Terms(self.layer, units, np.pad(self.weights, (0, more)))


def parse_terms(y: Any) -> Terms:
    """Return the terms of the target of one sample.

    Raises:
        TargetError: if the target has no valid form.
    """
    if not isinstance(y, Difference):
        return _terms_of_sum(y)
    one, other = _terms_of_sum(y.one), _terms_of_sum(y.other)
    if one.layer is not other.layer and one.layer != other.layer:
        raise TargetError(f"`y` (={shown(y)}) compares channels of several layers; both must be in the same layer")
    if one.units.shape[1] != other.units.shape[1]:
        raise TargetError(f"`y` (={shown(y)}) mixes channels and single units; pass only channels or only units")
    return Terms(one.layer, np.concatenate([one.units, other.units]), np.concatenate([one.weights, -other.weights]))


def _terms_of_sum(y: Any) -> Terms:
    if isinstance(y, Terms):
        return y
    layer, units = _parse_sum(y)
    return Terms(layer, np.array(units, np.int64), np.ones(len(units)))


def _parse_sum(y: Any) -> tuple[Any, list[tuple[int, ...]]]:
    y = y.channel if isinstance(y, Region) and not y.is_located else y
    layer, indices = (y[0], y[1:]) if isinstance(y, tuple) and len(y) in (2, 4) else (None, (y,))
    several = len(indices) == 1 and (isinstance(indices[0], list | range) or getattr(indices[0], "ndim", 0) == 1)
    if several:
        _check_sum(indices[0])
    units = [(index,) for index in indices[0]] if several else [indices]
    parsed = [tuple(as_index(index) for index in unit) for unit in units]
    if not parsed or as_index(layer) is not None or any(index is None for unit in parsed for index in unit):
        raise TargetError(f"`y` (={shown(y)}) must be {FORMS}; indices are whole numbers{_hint(y)}")
    check_layer(layer, y)
    if any(index is not None and abs(index) > MAX_COUNT for unit in parsed for index in unit):
        raise TargetError(f"`y` (={shown(y)}) must hold indices of classes, channels, rows or columns, at most {MAX_COUNT}")
    return layer, [tuple(index for index in unit if index is not None) for unit in parsed]


def check_layer(layer: Any, y: Any) -> None:
    """Refuse a layer that is an array or a list.

    Raises:
        TargetError: if it is.
    """
    try:
        hash(layer)
    except TypeError:
        raise TargetError(f"`y` (={shown(y)}) must begin with a layer or its name, not {type(layer).__name__}") from None


def _check_sum(indices: Any) -> None:
    """Refuse what looks like the labels of several inputs, or like a one-hot vector, instead of a sum of classes.

    Raises:
        TargetError: if it does.
    """
    numbers = [as_index(index) for index in indices]
    if len(numbers) > 1 and not isinstance(indices, list | range):
        raise TargetError(
            f"`y` (a {type(indices).__name__} of {len(numbers)} numbers) may be a sum of classes or one class for each input: "
            "pass a list for the sum, or GetMasks(x_values, y=labels) for one class for each input"
        )
    if len(numbers) > 2 and len(set(numbers)) < len(numbers) and set(numbers) <= {0, 1}:
        raise TargetError(
            f"`y` (={shown(indices)}) looks like a one-hot or multi-hot vector; pass the numbers of the classes, such as "
            f"{[i for i, number in enumerate(numbers) if number]}"
        )


def _hint(y: Any) -> str:
    """Return what to do instead of a target of a wrong form, or an empty string."""
    if isinstance(y, str) and y.lstrip("-").isdigit():
        return f". For class {y}, pass the int {y}"
    if isinstance(y, str):
        return ". For a class, pass its number; for a layer, (layer, channel)"
    if isinstance(y, tuple) and len(y) in (2, 4) and as_index(y[0]) is not None:
        rest = ", ".join(map(shown, y[1:]))
        return f'. The name of a layer is a string: ("{y[0]}", {rest}). For a sum of classes, pass a list: {list(y)}'
    if isinstance(y, float) and y.is_integer():
        return f". For class {int(y)}, pass the int {int(y)}"
    if getattr(y, "ndim", 0) == 1 and len(y) > 1:
        return ". For scores or a one-hot vector, pass the number of the class, such as y.argmax()"
    return ""


def regions_of(y: Any) -> list[Region]:
    """Return the regions of a target: itself, or the sides of a difference."""
    sides = (y.one, y.other) if isinstance(y, Difference) else (y,)
    return [side for side in sides if isinstance(side, Region)]


def channel_axis_of(y: Any) -> ChannelAxis:
    """Return which axis of the model's output a target reads channels from, as in ``Target``.

    Raises:
        TargetError: if the sides of a difference name different axes.
    """
    axes = {region.channel_axis for region in regions_of(y)}
    if len(axes) > 1:
        raise TargetError(
            f"`y` (={shown(y)}) compares regions that name different axes of the output; both need the same `axis`"
        )
    return axes.pop() if axes else "found"


def reads_positions(y: Any) -> bool:
    """Return whether a target names positions that only the model's output can resolve."""
    return any(region.is_located for region in regions_of(y))

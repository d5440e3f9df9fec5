"""Describe targets in words, for figures and reports."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.detection_scores import BOX, LABEL
from saliency.core.region import Region
from saliency.core.target import Target
from saliency.core.target_terms import Difference, regions_of


def describe_targets(target: Target, ys: Sequence[Any], names: Mapping[int, str] | None = None) -> list[str]:
    """Describe the targets of N samples, such as ``class 3``, ``class 3 (cat)`` or ``layer conv4, channel 12``.

    Args:
        target: the target of the samples; each top class has been resolved to its number.
        ys: the targets as the user gave them; None for a sample's top class.
        names: names of classes; None if there are none for these targets.
    """
    if target.rows is not None:
        return [_describe_detection(row) for row in target.rows]
    if target.function is not None:
        name = getattr(target.function, "__name__", type(target.function).__name__)
        return ["a function of the output" if name == "<lambda>" else f"{name} of the output"] * len(ys)
    named = zip(ys, target.units, target.weights, strict=True)
    describe = partial(_describe_units, target.layer, names or {})
    return [
        _describe_region(y) if regions_of(y) else ("top " if y is None else "") + describe(units, weights)
        for y, units, weights in named
    ]


def _describe_region(y: Any) -> str:
    sides = (y.one, y.other) if isinstance(y, Difference) else (y,)
    return " rather than ".join(side.describe() if isinstance(side, Region) else f"class {side}" for side in sides)


def _describe_detection(row: npt.NDArray[np.float64]) -> str:
    """Describe a detection, such as ``class 3 in the box (10, 20, 50, 60)``."""
    return f"class {row[LABEL]:.0f} in the box ({', '.join(f'{edge:.0f}' for edge in row[BOX])})"


def _describe_units(
    layer: Any, names: Mapping[int, str], units: npt.NDArray[np.int64], weights: npt.NDArray[np.float64]
) -> str:
    """Describe one target: a layer, (terms, 1) channels or (terms, 3) channel, row and column, and their weights."""
    if len(units) == 1 and weights[0] > 0:
        description = _describe_sum(layer, names, units)
    else:
        added, subtracted = (_describe_sum(layer, names, units[chosen]) for chosen in (weights > 0, weights < 0))
        description = f"{added} rather than {subtracted}" if subtracted else added
    if layer is None:
        return description
    name = layer if isinstance(layer, str) else getattr(layer, "name", type(layer).__name__)
    return f"layer {name}, {description}"


def _describe_sum(layer: Any, names: Mapping[int, str], units: npt.NDArray[np.int64]) -> str:
    one, many = ("class", "classes") if layer is None else ("channel", "channels")
    terms = [_describe_unit(unit, names.get(int(unit[0]))) for unit in units]
    return f"{one if len(terms) == 1 else many} {' + '.join(terms)}" if terms else ""


def _describe_unit(unit: npt.NDArray[np.int64], name: str | None) -> str:
    number = f"{unit[0]}" if name is None else f"{unit[0]} ({name})"
    return number + (f" at row {unit[1]}, column {unit[2]}" if len(unit) == 3 else "")

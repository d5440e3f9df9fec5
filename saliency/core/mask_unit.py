"""The unit of a mask's values."""

from collections.abc import Mapping
from typing import Any

SCORE, PER_INPUT, PER_LAYER = "score", "score per unit of input", "score per unit of the layer"
OF_MAXIMUM = "fraction of the maximum"


def mask_unit(unit: str, options: Mapping[str, Any], average: str = "mean") -> str:
    """Return the unit of a method's mask with the options of a call.

    Args:
        unit: the unit of the method with its default options; empty if it has none.
        options: all options of the method that a user has set.
        average: what smoothing averages; see ``Smoothing``.
    """
    if unit == OF_MAXIMUM and not options.get("should_resize", True):
        unit = ""  # that of the method's formula
    if options.get("base") is not None:
        unit = ""  # that of the attribution of XRAI's pixels
    if unit == SCORE and not options.get("multiply_by_inputs", True):
        unit = PER_INPUT
    if unit == PER_INPUT and options.get("at") is not None:
        unit = PER_LAYER
    return f"({unit})\N{SUPERSCRIPT TWO}" if unit and average != "mean" else unit

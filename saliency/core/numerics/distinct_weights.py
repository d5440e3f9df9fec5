"""Weights of a sum in which terms do not cancel."""

from saliency.core.types import Array

GOLDEN_RATIO = 0.6180339887498949
"""The fractional parts of its multiples are distinct, and spread evenly between 0 and 1."""


def distinct_weights(places: Array) -> Array:
    """Return a weight between 1 and 2 for each term of a sum, all different.

    A sum of gradients shows whether any of them is not zero. Without weights, those of opposite targets, such as
    ``Difference(1, 2)`` and ``Difference(2, 1)`` of one input, cancel.

    Args:
        places: (terms,), the numbers 0, 1, 2, ... as floats.
    """
    return 1 + places * GOLDEN_RATIO % 1.0

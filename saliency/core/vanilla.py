"""Vanilla gradient."""

from typing import final

from saliency.core.adapter import Array
from saliency.core.mask import SaliencyMask
from saliency.core.score import Score


@final
class Vanilla(SaliencyMask):
    """The gradient of the score with respect to the input, signed.

    The mask has the input's shape; its unit is the score's per unit of input.

    Source:
        Simonyan, Vedaldi & Zisserman, Deep Inside Convolutional Networks, arXiv:1312.6034.
    """

    def masks(self, score: Score, x: Array) -> Array:
        """Return d score / d x."""
        return score.gradients(x)

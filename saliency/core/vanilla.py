"""Vanilla gradient."""

from typing import Any, final

from saliency.core.adapter import Array
from saliency.core.mask import SaliencyMask
from saliency.core.score import Score


@final
class Vanilla(SaliencyMask):
    """The gradient of the score with respect to the input, signed.

    The mask has the input's shape; its unit is the score's per unit of input. Option ``at`` is a layer, its name or the layer
    itself, whose input takes the place of the model's: the mask has its shape, as the framework has it.

    Source:
        Simonyan, Vedaldi & Zisserman, Deep Inside Convolutional Networks, arXiv:1312.6034.
    """

    def masks(self, score: Score, x: Array, at: Any = None) -> Array:
        """Return d score / d x, or by the input of the layer ``at``."""
        return score.gradients(x, at=at)

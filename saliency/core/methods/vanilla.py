"""Vanilla gradient."""

from typing import Any, final

from saliency.core.mask import SaliencyMask
from saliency.core.score import Score
from saliency.core.types import Array


@final
class Vanilla(SaliencyMask):
    """The gradient of the score with respect to the input, signed.

    The mask has the input's shape; its unit is the score's per unit of input.

    Options:
        at: a layer, its name or the layer itself, whose input takes the place of the model's, or the ``saliency.OutputOf`` a
            layer: the mask has its shape, as the framework has it.
        rule: how the gradient passes every ReLU: ``"guided"``, ``"rectified"``, or a callable from the gradient that arrives
            there and the ReLU's output to the gradient that passes, arrays (N, ...) of the framework; None leaves it as it is.
        allow_no_relu: accept a rule for a model in which no ReLU was found.

    Source:
        Simonyan, Vedaldi & Zisserman, Deep Inside Convolutional Networks, arXiv:1312.6034.
    """

    def masks(self, score: Score, x: Array, at: Any = None, rule: Any = None, allow_no_relu: bool = False) -> Array:
        """Return d score / d x, or by the input or output of the layer ``at``."""
        return score.using(rule=rule, allow_no_relu=allow_no_relu, at=at).gradients(x)

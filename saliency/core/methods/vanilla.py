"""The gradient of the score."""

from typing import Any, final

from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import PER_INPUT
from saliency.core.score import Score
from saliency.core.types import Array


@final
class Vanilla(SaliencyMask):
    """Compute the gradient of the score with respect to the input.

    The mask has the input's shape and is signed. It is in score units per input unit.

    Options:
        at: a layer (its name, or the layer itself): differentiate with respect to the layer's input instead of the model's
            input. ``saliency.OutputOf(layer)`` selects the layer's output. The mask has the shape of that array in the
            framework.
        rule: how the gradient passes every ReLU: ``"guided"`` as in ``GuidedBackprop``, ``"rectified"`` as in ``Deconvnet``,
            or a callable ``rule(gradient, output)``. The callable receives the gradient that arrives at a ReLU and the
            ReLU's output, arrays (N, ...) of the framework, and returns the gradient that passes. None leaves the gradient
            unchanged.
        allow_no_relu: accept a rule for a model in which no ReLU is found.

    Source:
        Simonyan, Vedaldi & Zisserman, Deep Inside Convolutional Networks, arXiv:1312.6034.
    """

    joins_inputs = True
    unit = PER_INPUT

    def masks(self, score: Score, x: Array, at: Any = None, rule: Any = None, allow_no_relu: bool = False) -> Array:
        """Return d score / d x, or the gradient with respect to the input or output of the layer ``at``."""
        return score.using(rule=rule, allow_no_relu=allow_no_relu, at=at).gradients(x)

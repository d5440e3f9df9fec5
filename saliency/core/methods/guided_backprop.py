"""Gradients that pass a ReLU by another rule: guided backpropagation and the deconvnet."""

from typing import Any, final

from saliency.core.mask import SaliencyMask
from saliency.core.score import Score
from saliency.core.types import Array


@final
class GuidedBackprop(SaliencyMask):
    """The gradient, of which every ReLU passes on the positive part alone, where its input was positive.

    The mask has the input's shape, in units of score per unit of input. Option ``allow_no_relu=True`` accepts a model in
    which no ReLU was found; its mask is then the vanilla gradient. A ReLU must be recognisable: one written as other
    arithmetic, such as ``where(x > 0, x, 0)`` or ``x * (x > 0)``, passes its gradient on as it is. Option ``at`` as in
    ``Vanilla``; the ReLUs are then those behind that input.

    Source:
        Springenberg et al., Striving for Simplicity: The All Convolutional Net, arXiv:1412.6806.
    """

    def masks(self, score: Score, x: Array, allow_no_relu: bool = False, at: Any = None) -> Array:
        """Return the guided gradient of the score."""
        return score.using(rule="guided", allow_no_relu=allow_no_relu, at=at).gradients(x)


@final
class Deconvnet(SaliencyMask):
    """The gradient, of which every ReLU passes on the positive part, whatever its input was ("rectified").

    The mask has the input's shape, in units of score per unit of input. Options ``allow_no_relu`` and
    ``at`` as in ``GuidedBackprop``.

    Source:
        Zeiler & Fergus, Visualizing and Understanding Convolutional Networks, arXiv:1311.2901.
    """

    def masks(self, score: Score, x: Array, allow_no_relu: bool = False, at: Any = None) -> Array:
        """Return the rectified gradient of the score."""
        return score.using(rule="rectified", allow_no_relu=allow_no_relu, at=at).gradients(x)

"""Guided backpropagation and the deconvnet: gradients with another backward rule for ReLUs."""

from typing import Any, final

from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import PER_INPUT
from saliency.core.score import Score
from saliency.core.types import Array


@final
class GuidedBackprop(SaliencyMask):
    """Compute the gradient, where each ReLU passes only positive gradients, and only where its input was positive.

    The mask has the input's shape, in score units per input unit.

    A ReLU must be recognizable. A ReLU written as other arithmetic, such as ``where(x > 0, x, 0)`` or ``x * (x > 0)``, passes
    its gradient unchanged.

    Options:
        allow_no_relu: accept a model in which no ReLU is found; its mask is the vanilla gradient.
        at: as for ``Vanilla``. The rule then applies to the ReLUs after that layer input or output.

    Source:
        Springenberg et al., Striving for Simplicity: The All Convolutional Net, arXiv:1412.6806.
    """

    joins_inputs = True
    unit = PER_INPUT

    def masks(self, score: Score, x: Array, allow_no_relu: bool = False, at: Any = None) -> Array:
        """Return the guided gradient of the score."""
        return score.using(rule="guided", allow_no_relu=allow_no_relu, at=at).gradients(x)


@final
class Deconvnet(SaliencyMask):
    """Compute the gradient, where each ReLU passes only positive gradients, whatever its input was.

    This is the ``"rectified"`` rule. The mask has the input's shape, in score units per input unit.

    Options:
        allow_no_relu, at: as for ``GuidedBackprop``.

    Source:
        Zeiler & Fergus, Visualizing and Understanding Convolutional Networks, arXiv:1311.2901.
    """

    joins_inputs = True
    unit = PER_INPUT

    def masks(self, score: Score, x: Array, allow_no_relu: bool = False, at: Any = None) -> Array:
        """Return the rectified gradient of the score."""
        return score.using(rule="rectified", allow_no_relu=allow_no_relu, at=at).gradients(x)

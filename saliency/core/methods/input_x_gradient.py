"""Input times gradient."""

from typing import Any, final

from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import SCORE
from saliency.core.score import Score
from saliency.core.types import Array


@final
class InputXGradient(SaliencyMask):
    """Multiply the gradient by the input.

    For a linear score, this is the contribution of each input value. The mask has the input's shape, in score units.

    Options:
        at: a layer, as for ``Vanilla``: multiply the gradient with respect to the layer's input, or its output by
            ``saliency.OutputOf(layer)``, by the values there. The mask has the shape of that array in the framework.

    Source:
        Shrikumar et al., Not Just a Black Box: Learning Important Features Through Propagating Activation Differences,
        arXiv:1605.01713.
    """

    joins_inputs = True
    unit = SCORE

    def masks(self, score: Score, x: Array, at: Any = None) -> Array:
        """Return x times d score / d x, or the same for the values of a layer."""
        if at is None:
            return x * score.gradients(x)
        _, values, gradients = score.using(at=at).values_and_gradients_at(x)
        return values * gradients

"""Input times gradient."""

from typing import final

from saliency.core.mask import SaliencyMask
from saliency.core.score import Score
from saliency.core.types import Array


@final
class InputXGradient(SaliencyMask):
    """Multiply the gradient by the input.

    For a linear score, this is the contribution of each input value. The mask has the input's shape, in score units.

    Source:
        Shrikumar et al., Not Just a Black Box: Learning Important Features Through Propagating Activation Differences,
        arXiv:1605.01713.
    """

    def masks(self, score: Score, x: Array) -> Array:
        """Return x times d score / d x."""
        return x * score.gradients(x)

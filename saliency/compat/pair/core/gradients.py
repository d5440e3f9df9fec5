"""PAIR's ``GradientSaliency``."""

from typing import Any, ClassVar

from saliency.compat.pair.core.base import INPUT_OUTPUT_GRADIENTS, CallModelFunction, CoreSaliency, HostArray, compute_mask
from saliency.core.methods.vanilla import Vanilla

__all__ = ["INPUT_OUTPUT_GRADIENTS", "GradientSaliency"]


class GradientSaliency(CoreSaliency):
    """Return the gradient of the output with respect to the input; see ``saliency.Vanilla``."""

    expected_keys: ClassVar[list[str]] = [INPUT_OUTPUT_GRADIENTS]

    def GetMask(self, x_value: Any, call_model_function: CallModelFunction, call_model_args: Any = None) -> HostArray:
        """Compute the mask of one input, of its shape; see ``CoreSaliency.GetMask``."""
        return compute_mask(Vanilla, x_value, call_model_function, call_model_args)

"""PAIR's ``GuidedIG``."""

from typing import Any, ClassVar

from saliency.compat.pair.core.base import INPUT_OUTPUT_GRADIENTS, CallModelFunction, CoreSaliency, HostArray, compute_mask
from saliency.core.methods.guided_ig import GuidedIG as GuidedIGMask

__all__ = ["INPUT_OUTPUT_GRADIENTS", "GuidedIG"]


class GuidedIG(CoreSaliency):
    """Integrate gradients on a path that changes the values with small gradients first; see ``saliency.GuidedIG``."""

    expected_keys: ClassVar[list[str]] = [INPUT_OUTPUT_GRADIENTS]

    def GetMask(
        self,
        x_value: Any,
        call_model_function: CallModelFunction,
        call_model_args: Any = None,
        x_baseline: Any = None,
        x_steps: int = 200,
        fraction: float = 0.25,
        max_dist: float = 0.02,
    ) -> HostArray:
        """Compute the mask of one input, of its shape.

        Args:
            x_value, call_model_function, call_model_args: see ``CoreSaliency.GetMask``.
            x_baseline: the start of the path, of the input's shape; None means zeros.
            x_steps: number of steps, one call of the function each.
            fraction: fraction of the values that are changed together.
            max_dist: largest deviation of each value from the straight path, as a fraction of the path.
        """
        options = {"x_baseline": x_baseline, "x_steps": x_steps, "fraction": fraction, "max_dist": max_dist}
        return compute_mask(GuidedIGMask, x_value, call_model_function, call_model_args, **options)

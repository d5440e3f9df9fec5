"""PAIR's ``IntegratedGradients``."""

from typing import Any, ClassVar

from saliency.compat.pair.core.base import INPUT_OUTPUT_GRADIENTS, CallModelFunction, CoreSaliency, HostArray, compute_mask
from saliency.core.methods.integrated_gradients import IntegratedGradients as IntegratedGradientsMask

__all__ = ["INPUT_OUTPUT_GRADIENTS", "IntegratedGradients"]


class IntegratedGradients(CoreSaliency):
    """Integrate gradients on a straight path, both ends at full weight; see ``saliency.IntegratedGradients``."""

    expected_keys: ClassVar[list[str]] = [INPUT_OUTPUT_GRADIENTS]

    def GetMask(
        self,
        x_value: Any,
        call_model_function: CallModelFunction,
        call_model_args: Any = None,
        x_baseline: Any = None,
        x_steps: int = 25,
        batch_size: int = 1,
    ) -> HostArray:
        """Compute the mask of one input, of its shape.

        Args:
            x_value, call_model_function, call_model_args: see ``CoreSaliency.GetMask``.
            x_baseline: the start of the path, of the input's shape; None means zeros.
            x_steps: number of points on the path.
            batch_size: number of points in one call of the function.
        """
        options = {"x_baseline": x_baseline, "x_steps": x_steps, "rule": "inclusive"}
        return compute_mask(
            IntegratedGradientsMask, x_value, call_model_function, call_model_args, batch_size=batch_size, **options
        )

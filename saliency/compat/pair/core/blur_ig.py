"""PAIR's ``BlurIG``."""

from typing import Any, ClassVar

import numpy as np

from saliency.compat.pair.core.base import (
    INPUT_OUTPUT_GRADIENTS,
    CallModelFunction,
    CoreSaliency,
    HostArray,
    compute_mask,
    floating,
)
from saliency.core.function_adapter import FunctionAdapter
from saliency.core.methods.blur_ig import BlurIG as BlurIGMask
from saliency.core.numerics.gaussian_blur import SCIPY_RADIUS, blur
from saliency.core.validation import boolean, real_number

__all__ = ["INPUT_OUTPUT_GRADIENTS", "BlurIG", "gaussian_blur"]


class BlurIG(CoreSaliency):
    """Integrate gradients on a path on which a blurred image becomes sharp; see ``saliency.BlurIG``."""

    expected_keys: ClassVar[list[str]] = [INPUT_OUTPUT_GRADIENTS]

    def GetMask(
        self,
        x_value: Any,
        call_model_function: CallModelFunction,
        call_model_args: Any = None,
        max_sigma: float = 50,
        steps: int = 100,
        grad_step: float = 0.01,
        sqrt: bool = False,
        batch_size: int = 1,
    ) -> HostArray:
        """Compute the mask of one image, of its shape.

        Args:
            x_value, call_model_function, call_model_args: see ``CoreSaliency.GetMask``.
            max_sigma: standard deviation of the strongest blur, in pixels; its square with ``sqrt``.
            steps: number of points on the path.
            grad_step: step of the finite difference between two blurs, in pixels.
            sqrt: space the points evenly by the square of the standard deviation, which ends at ``max_sigma``.
            batch_size: number of points in one call of the function.
        """
        strongest = real_number("max_sigma", max_sigma, least=0) ** (0.5 if boolean("sqrt", sqrt) else 1.0)
        options = {"max_sigma": strongest, "x_steps": steps, "grad_step": grad_step, "sqrt": sqrt, "rule": "right"}
        return compute_mask(BlurIGMask, x_value, call_model_function, call_model_args, batch_size=batch_size, **options)


def gaussian_blur(image: Any, sigma: float) -> HostArray:
    """Blur the rows and columns of an image (H, W, C) or (H, W); beyond the borders are zeros.

    Args:
        image: the image, in any unit.
        sigma: standard deviation in pixels.
    """
    x = floating(image)
    sigma = real_number("sigma", sigma, least=0)
    blurred: HostArray = blur(FunctionAdapter(np.asarray, dtype=x.dtype), x[None], (1, 2), sigma, SCIPY_RADIUS)[0]
    return blurred

"""PAIR's ``Occlusion``."""

from typing import Any, ClassVar

import numpy as np

from saliency.compat.pair.core.base import (
    OUTPUT_LAYER_VALUES,
    CallModelFunction,
    CoreSaliency,
    HostArray,
    compute_mask,
    floating,
)
from saliency.compat.pair.core.model_function import ModelFunctionAdapter
from saliency.core.adapter_request import Request
from saliency.core.methods.occlusion import Occlusion as OcclusionMask
from saliency.core.target import Target

__all__ = ["OUTPUT_LAYER_VALUES", "Occlusion"]


class Occlusion(CoreSaliency):
    """Add the drop of the output under a square window to every pixel of the window; see ``saliency.Occlusion``."""

    expected_keys: ClassVar[list[str]] = [OUTPUT_LAYER_VALUES]

    def GetMask(
        self,
        x_value: Any,
        call_model_function: CallModelFunction,
        call_model_args: Any = None,
        size: int = 15,
        value: Any = 0,
        batch_size: int = 1,
    ) -> HostArray:
        """Compute the mask of one input, of its shape.

        Args:
            x_value, call_model_function, call_model_args: see ``CoreSaliency.GetMask``.
            size: length of the window's side in pixels.
            value: the content of an occluded window, in the input's units.
            batch_size: number of occluded inputs in one call of the function. PAIR has no such argument; its functions may
                accept only one.
        """
        return compute_mask(
            OcclusionMask, x_value, call_model_function, call_model_args, batch_size=batch_size, size=size, value=value
        )

    def getY(self, x_value: Any, call_model_function: CallModelFunction, call_model_args: Any) -> Any:
        """Return the output for one input, as a NumPy number."""
        x = floating(x_value)
        adapter = ModelFunctionAdapter(call_model_function, call_model_args, x.dtype, x.ndim)
        return np.asarray(adapter.outputs(x[None], Request(Target())))[0]

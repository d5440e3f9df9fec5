"""PAIR's ``XRAI`` for a TensorFlow 1 graph."""

from collections.abc import Callable
from typing import Any

from saliency.compat.pair.core import xrai as core
from saliency.compat.pair.core.base import HostArray
from saliency.compat.pair.core.xrai import XRAIOutput, XRAIParameters
from saliency.compat.pair.tf1.base import TF1CoreSaliency

__all__ = ["XRAI", "XRAIParameters"]


class XRAI(TF1CoreSaliency):
    """Cover an image with regions, those with the largest mean attribution first; arguments as for ``TF1CoreSaliency``."""

    def __init__(self, graph: Any, session: Any, y: Any, x: Any) -> None:
        super().__init__(graph, session, y, x)
        self.core_instance: core.XRAI = core.XRAI()

    def GetMask(
        self,
        x_value: Any,
        feed_dict: Any = None,
        baselines: Any = None,
        segments: Any = None,
        base_attribution: Any = None,
        batch_size: int = 1,
        extra_parameters: XRAIParameters | None = None,
    ) -> HostArray:
        """Compute the mask (H, W) of one image; arguments as for ``GetMaskWithDetails``."""
        options = {"baselines": baselines, "segments": segments, "base_attribution": base_attribution}
        mask: HostArray = self._call(self.core_instance.GetMask, x_value, feed_dict, batch_size, extra_parameters, **options)
        return mask

    def GetMaskWithDetails(
        self,
        x_value: Any,
        feed_dict: Any = None,
        baselines: Any = None,
        segments: Any = None,
        base_attribution: Any = None,
        batch_size: int = 1,
        extra_parameters: XRAIParameters | None = None,
    ) -> XRAIOutput:
        """Compute the mask of one image with its details; the options are those of ``core.xrai.XRAI``."""
        options = {"baselines": baselines, "segments": segments, "base_attribution": base_attribution}
        compute = self.core_instance.GetMaskWithDetails
        found: XRAIOutput = self._call(compute, x_value, feed_dict, batch_size, extra_parameters, **options)
        return found

    def _call(
        self, compute: Callable[..., Any], x_value: Any, feed_dict: Any, batch_size: int, extra_parameters: Any, **options: Any
    ) -> Any:
        parameters = XRAIParameters() if extra_parameters is None else extra_parameters
        self.validate_xy_tensor_shape(parameters.steps, batch_size)
        return compute(
            x_value,
            call_model_function=self.call_model_function,
            call_model_args=feed_dict,
            batch_size=batch_size,
            extra_parameters=parameters,
            **options,
        )

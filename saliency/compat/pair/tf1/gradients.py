"""PAIR's ``GradientSaliency`` for a TensorFlow 1 graph."""

from typing import Any

from saliency.compat.pair.core import gradients as core
from saliency.compat.pair.core.base import HostArray
from saliency.compat.pair.tf1.base import TF1CoreSaliency

__all__ = ["GradientSaliency"]


class GradientSaliency(TF1CoreSaliency):
    """Return the gradient of ``y`` with respect to the input; arguments as for ``TF1CoreSaliency``."""

    def __init__(self, graph: Any, session: Any, y: Any, x: Any) -> None:
        super().__init__(graph, session, y, x)
        self.core_instance = core.GradientSaliency()

    def GetMask(
        self,
        x_value: Any,
        feed_dict: Any = None,
    ) -> HostArray:
        """Compute the mask of one input; the options are those of ``core.gradients.GradientSaliency``."""
        self.validate_xy_tensor_shape()
        return self._core_mask(x_value, feed_dict)

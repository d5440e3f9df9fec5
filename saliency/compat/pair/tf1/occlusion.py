"""PAIR's ``Occlusion`` for a TensorFlow 1 graph."""

from typing import Any

from saliency.compat.pair.core import occlusion as core
from saliency.compat.pair.core.base import HostArray
from saliency.compat.pair.tf1.base import TF1CoreSaliency

__all__ = ["Occlusion"]


class Occlusion(TF1CoreSaliency):
    """Add the drop of ``y`` under a square window to every pixel of the window; arguments as for ``TF1CoreSaliency``."""

    def __init__(self, graph: Any, session: Any, y: Any, x: Any) -> None:
        super().__init__(graph, session, y, x)
        self.core_instance = core.Occlusion()

    def GetMask(
        self,
        x_value: Any,
        feed_dict: Any = None,
        size: int = 15,
        value: Any = 0,
    ) -> HostArray:
        """Compute the mask of one input; the options are those of ``core.occlusion.Occlusion``."""
        self.validate_xy_tensor_shape()
        return self._core_mask(x_value, feed_dict, size=size, value=value)

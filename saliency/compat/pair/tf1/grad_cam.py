"""PAIR's ``GradCam`` for a TensorFlow 1 graph."""

from typing import Any

from saliency.compat.pair.core import grad_cam as core
from saliency.compat.pair.core.base import HostArray
from saliency.compat.pair.tf1.base import TF1CoreSaliency

__all__ = ["GradCam"]


class GradCam(TF1CoreSaliency):
    """Weight each channel of a layer by its mean gradient; arguments as for ``TF1CoreSaliency``."""

    def __init__(self, graph: Any, session: Any, y: Any, x: Any, conv_layer: Any) -> None:
        super().__init__(graph, session, y, x, conv_layer)
        self.core_instance = core.GradCam()

    def GetMask(
        self,
        x_value: Any,
        feed_dict: Any = None,
        should_resize: bool = True,
        three_dims: bool = True,
    ) -> HostArray:
        """Compute the mask of one input; the options are those of ``core.grad_cam.GradCam``."""
        self.validate_xy_tensor_shape()
        return self._core_mask(x_value, feed_dict, should_resize=should_resize, three_dims=three_dims)

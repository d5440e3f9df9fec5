"""PAIR's ``BlurIG`` for a TensorFlow 1 graph."""

from typing import Any

from saliency.compat.pair.core import blur_ig as core
from saliency.compat.pair.core.base import HostArray
from saliency.compat.pair.tf1.base import TF1CoreSaliency

__all__ = ["BlurIG"]


class BlurIG(TF1CoreSaliency):
    """Integrate gradients on a path on which a blurred input becomes sharp; arguments as for ``TF1CoreSaliency``."""

    def __init__(self, graph: Any, session: Any, y: Any, x: Any) -> None:
        super().__init__(graph, session, y, x)
        self.core_instance = core.BlurIG()

    def GetMask(
        self,
        x_value: Any,
        feed_dict: Any = None,
        max_sigma: float = 50,
        steps: int = 100,
        grad_step: float = 0.01,
        sqrt: bool = False,
        batch_size: int = 1,
    ) -> HostArray:
        """Compute the mask of one input; the options are those of ``core.blur_ig.BlurIG``."""
        self.validate_xy_tensor_shape(steps, batch_size)
        return self._core_mask(
            x_value, feed_dict, max_sigma=max_sigma, steps=steps, grad_step=grad_step, sqrt=sqrt, batch_size=batch_size
        )

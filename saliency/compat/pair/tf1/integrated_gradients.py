"""PAIR's ``IntegratedGradients`` for a TensorFlow 1 graph."""

from typing import Any

from saliency.compat.pair.core import integrated_gradients as core
from saliency.compat.pair.core.base import HostArray
from saliency.compat.pair.tf1.base import TF1CoreSaliency

__all__ = ["IntegratedGradients"]


class IntegratedGradients(TF1CoreSaliency):
    """Integrate gradients on a straight path; arguments as for ``TF1CoreSaliency``."""

    def __init__(self, graph: Any, session: Any, y: Any, x: Any) -> None:
        super().__init__(graph, session, y, x)
        self.core_instance = core.IntegratedGradients()

    def GetMask(
        self,
        x_value: Any,
        feed_dict: Any = None,
        x_baseline: Any = None,
        x_steps: int = 25,
        batch_size: int = 1,
    ) -> HostArray:
        """Compute the mask of one input; the options are those of ``core.integrated_gradients.IntegratedGradients``."""
        self.validate_xy_tensor_shape(x_steps, batch_size)
        return self._core_mask(x_value, feed_dict, x_baseline=x_baseline, x_steps=x_steps, batch_size=batch_size)

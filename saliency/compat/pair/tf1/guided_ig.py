"""PAIR's ``GuidedIG`` for a TensorFlow 1 graph."""

from typing import Any

from saliency.compat.pair.core import guided_ig as core
from saliency.compat.pair.core.base import HostArray
from saliency.compat.pair.tf1.base import TF1CoreSaliency

__all__ = ["GuidedIG"]


class GuidedIG(TF1CoreSaliency):
    """Integrate gradients on a path of small gradients; arguments as for ``TF1CoreSaliency``."""

    def __init__(self, graph: Any, session: Any, y: Any, x: Any) -> None:
        super().__init__(graph, session, y, x)
        self.core_instance = core.GuidedIG()

    def GetMask(
        self,
        x_value: Any,
        feed_dict: Any = None,
        x_baseline: Any = None,
        x_steps: int = 200,
        fraction: float = 0.25,
        max_dist: float = 0.02,
    ) -> HostArray:
        """Compute the mask of one input; the options are those of ``core.guided_ig.GuidedIG``."""
        self.validate_xy_tensor_shape()
        return self._core_mask(
            x_value, feed_dict, x_baseline=x_baseline, x_steps=x_steps, fraction=fraction, max_dist=max_dist
        )

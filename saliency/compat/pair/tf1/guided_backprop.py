"""PAIR's ``GuidedBackprop`` for a TensorFlow 1 graph."""

from typing import Any

from saliency.compat.pair.core.base import HostArray, floating
from saliency.compat.pair.tf1.base import TF1Saliency

__all__ = ["GuidedBackprop"]


class GuidedBackprop(TF1Saliency):
    """Pass only positive gradients through each active ReLU; see ``saliency.GuidedBackprop``.

    Args:
        graph, session, y, x: see ``TF1Saliency``.
        tmp_ckpt_path: ignored. The mask uses the same graph and session, without a checkpoint.
    """

    def __init__(self, graph: Any, session: Any, y: Any, x: Any, tmp_ckpt_path: Any = None) -> None:  # noqa: ARG002
        import saliency.tf

        super().__init__(graph, session, y, x)
        self._mask = saliency.tf.GuidedBackprop(graph, session, y, x)

    def GetMask(self, x_value: Any, feed_dict: Any = None) -> HostArray:
        """Compute the mask of one input, of its shape; see ``TF1Saliency.GetMask``."""
        return floating(self._mask.GetMask(x_value, feed_dict))

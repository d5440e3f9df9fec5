"""Compute the scores of a layer's channels, which the maps explain."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency import nets
from saliency.cli.channels import LayerChannels
from saliency.core.adapter_request import Request
from saliency.core.batch_independence import InteractingSamples, evaluate_checked
from saliency.core.errors import MemoryShortage
from saliency.core.mask_runner import default_batch_size
from saliency.core.score_reading import with_channel_axis
from saliency.core.target import Target
from saliency.core.wrap import wrap

Array = npt.NDArray[Any]


class ChannelScores:
    """Compute the scores of all channels of a layer: their logits, values, or means over space.

    Args:
        network: the network.
        channels: the channels of the layer.
        batch: maximum batch size; None chooses it by the size of the inputs.
    """

    def __init__(self, network: nets.Network, channels: LayerChannels, batch: int | None) -> None:
        self._adapter = wrap(network.model)
        self._request, self._count = Request(Target(channels.path)), channels.count
        self._batch = batch
        self._independence: dict[Hashable, bool] = {}

    def compute(self, inputs: Sequence[Array]) -> Array:
        """Return the scores (n, channels) of n inputs; NaN for an input that does not fit into memory."""
        if not inputs:
            return np.zeros((0, self._count))
        batch = self._batch or default_batch_size(inputs[0], self._adapter)
        return np.concatenate([self._compute_batch(inputs[start : start + batch]) for start in range(0, len(inputs), batch)])

    def _compute_batch(self, inputs: Sequence[Array]) -> Array:
        """Return the scores of one batch; if memory runs out, of its two halves."""
        try:
            x = self._adapter.stack(list(inputs))
            (scores,) = evaluate_checked(self._scores, self._adapter, x, self._request, self._independence)
            return np.asarray(self._adapter.numpy(scores), float)
        except InteractingSamples:
            return np.concatenate([self._compute_batch([one]) for one in inputs])
        except MemoryShortage:
            if len(inputs) == 1:
                return np.full((1, self._count), np.nan)
        half = len(inputs) // 2
        return np.concatenate([self._compute_batch(inputs[:half]), self._compute_batch(inputs[half:])])

    def _scores(self, x: Any, request: Request) -> tuple[Any]:
        """Return the scores (n, channels) of n inputs."""
        outputs = with_channel_axis(self._adapter.outputs(x, request), x.shape[0])
        space = tuple(range(2, len(outputs.shape)))
        return (self._adapter.xp.mean(outputs, axis=space) if space else outputs,)

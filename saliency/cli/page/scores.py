"""How strongly channels answer to pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency import nets
from saliency.cli.channels import Channels
from saliency.core.errors import MemoryShortage
from saliency.core.request import Request
from saliency.core.runner import default_batch_size
from saliency.core.target import Target
from saliency.core.wrap import wrap

Array = npt.NDArray[Any]


class Scores:
    """The numbers that the masks explain.

    Args:
        network: by name.
        channels: of the layer.
        numbers: of those that are asked for, from 1.
        batch: inputs in one pass at most; None chooses.
    """

    def __init__(self, network: nets.Network, channels: Channels, numbers: Sequence[int], batch: int | None) -> None:
        self._adapter = wrap(network.model)
        self._targets = [channels.target(number) for number in numbers]
        self._batch = batch

    def of(self, inputs: Sequence[Array]) -> Array:
        """Return the scores (n, channels) of n inputs; NaN where one alone does not fit into the memory."""
        if not inputs:
            return np.zeros((0, len(self._targets)))
        each = self._batch or default_batch_size(inputs[0], self._adapter)
        return np.concatenate([self._some(inputs[start : start + each]) for start in range(0, len(inputs), each)])

    def _some(self, inputs: Sequence[Array]) -> Array:
        target = Target.of(self._targets * len(inputs))
        try:
            outputs = self._adapter.outputs(self._adapter.stack(list(inputs)), Request(target))
            found = self._adapter.numpy(target.scores(outputs, len(inputs), self._adapter))
            return np.asarray(found, float).reshape(len(inputs), -1)
        except MemoryShortage:
            if len(inputs) == 1:
                return np.full((1, len(self._targets)), np.nan)
        half = len(inputs) // 2
        return np.concatenate([self._some(inputs[:half]), self._some(inputs[half:])])

"""Run layers on channels-last images faster: with weights that are converted once for all passes of a run."""

from collections.abc import Iterable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from saliency.torch.batch_norm_product import batch_norm_as_product, is_batch_norm


class ChannelsLastWeights(TorchFunctionMode):
    """Give convolutions channels-last copies of their weights; the model's own weights stay unchanged.

    On channels-last inputs, a convolution with contiguous weights converts them in its forward pass and again in its backward
    pass. If a weight changes within the run, it is converted again.

    Args:
        weights: of the convolutions, (filters, channels, height, width).
    """

    def __init__(self, weights: Iterable[torch.Tensor]) -> None:
        super().__init__()
        self._weights, self._replaces_batch_norms = {id(weight): weight for weight in weights}, False
        self._copies: dict[int, tuple[int, torch.Tensor]] = {}  # id of the weight -> its version, the copy

    def with_batch_norms(self) -> "ChannelsLastWeights":
        """Return a mode with the same copies that also replaces batch norms; see ``batch_norm_as_product``."""
        mode = ChannelsLastWeights(())
        mode._weights, mode._copies, mode._replaces_batch_norms = self._weights, self._copies, True
        return mode

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.conv2d and len(args) > 1 and id(args[1]) in self._weights:
            args = (args[0], self._converted(args[1]), *args[2:])
        elif self._replaces_batch_norms and is_batch_norm(func):
            result = batch_norm_as_product(*args, **(kwargs or {}))
            if result is not None:
                return result
        return func(*args, **(kwargs or {}))

    def _converted(self, weight: torch.Tensor) -> torch.Tensor:
        version, copy = self._copies.get(id(weight), (-1, weight))
        if version != weight._version:
            version, copy = weight._version, weight.detach().contiguous(memory_format=torch.channels_last)
            self._copies[id(weight)] = version, copy
        return copy

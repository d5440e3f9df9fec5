"""Weights of convolutions with channels last in memory, copied once for all passes of a run."""

from collections.abc import Iterable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class LastWeights(TorchFunctionMode):
    """Hands a model's convolutions copies of their weights; the model's own stay as they are.

    A convolution of pictures with channels last copies weights of the usual order in its forward pass, and in its backward
    pass once more. Weights that are changed in the meantime are copied anew.

    Args:
        weights: of the convolutions, (filters, channels, height, width).
    """

    def __init__(self, weights: Iterable[torch.Tensor]) -> None:
        super().__init__()
        self._own = {id(weight): weight for weight in weights}
        self._copies: dict[int, tuple[int, torch.Tensor]] = {}  # by their own's: its version, the copy

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.conv2d and len(args) > 1 and id(args[1]) in self._own:
            args = (args[0], self._copy(args[1]), *args[2:])
        return func(*args, **(kwargs or {}))

    def _copy(self, weight: torch.Tensor) -> torch.Tensor:
        version, copy = self._copies.get(id(weight), (-1, weight))
        if version != weight._version:
            version, copy = weight._version, weight.detach().contiguous(memory_format=torch.channels_last)
            self._copies[id(weight)] = version, copy
        return copy

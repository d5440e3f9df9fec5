"""What patches save: a number that depends on shapes alone, so that the same call always takes the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from saliency.torch.incremental.boxes import Boxes

ELEMENT = 32
"""Multiplications in the time of reading and writing a number; on two processors, VGG-16's ran at 30 to 60 a nanosecond."""

CALL = 50_000
"""Multiplications in the time that an operator on patches takes in Python, for each of the two dozen that pass together."""


@dataclass
class Cost:
    """Work of a forward pass, in multiplications for a sample.

    Args:
        plain: of the plain way.
        saved: what patches save of it.
    """

    plain: float = 0.0
    saved: float = 0.0

    def patch(self, channels: int, boxes: Boxes, work: float) -> None:
        """Count an operator on patches that takes ``work`` multiplications for a number of its output."""
        size, space = (channels * one[0] * one[1] * (work + ELEMENT) for one in (boxes.size, boxes.space))
        self.plain += space
        self.saved += space - size

    def call(self, copied: float = 0.0) -> None:
        """Count a call in Python, and the numbers that it copies for a sample."""
        self.saved -= CALL + ELEMENT * copied

    def dense(self, func: Any, args: tuple[Any, ...], output: torch.Tensor, samples: int) -> None:
        """Count any other operator."""
        if not func.is_view:
            self.plain += output.numel() / samples * (_work(func.overloadpacket.__name__, args, output) + ELEMENT)


class Counting(TorchDispatchMode):  # type: ignore[no-untyped-call] # Torch leaves its hooks untyped
    """Count the operators that get no patch any more.

    Args:
        cost: is told.
        samples: of the forward pass.
        patched: the type of tensor whose operators count themselves.
    """

    def __init__(self, cost: Cost, samples: int, patched: type) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._cost, self._samples, self._patched = cost, samples, patched

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True would import Torch's compiler, which takes seconds

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        output = result[0] if isinstance(result, list | tuple) and result else result
        if isinstance(output, torch.Tensor) and not isinstance(output, self._patched):
            self._cost.dense(func, args, output, self._samples)
        return result


def _work(name: str, args: tuple[Any, ...], output: torch.Tensor) -> float:
    """Return an operator's multiplications for a number of its output."""
    if name == "convolution":
        return float(args[1].numel() / args[1].shape[1 if args[6] else 0])
    if name in ("mm", "bmm"):
        return float(args[0].shape[-1])
    if name in ("addmm", "baddbmm"):
        return float(args[1].shape[-1])
    if name.startswith("_scaled_dot_product"):
        return float(2 * args[1].shape[-2])
    weights = sum(arg.numel() for arg in args[1:] if isinstance(arg, torch.Tensor) and arg.ndim == 2)  # a fused layer's
    return float(weights / output.shape[-1]) if output.ndim and output.shape[-1] else 0.0

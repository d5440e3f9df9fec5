"""Count the work of operators that receive full maps in a forward pass on patches."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from saliency.core.incremental.forward_cost import ForwardCost

CALL_COST = 50_000
"""Python overhead of an operator on patches, in multiplications for each sample of a batch of two dozen."""


class CostCounterMode(TorchDispatchMode):  # type: ignore[no-untyped-call] # Torch leaves its hooks untyped
    """Add the operators that receive full maps to a cost.

    Args:
        cost: the cost to update.
        samples: number of samples of the forward pass.
        patch_type: the type of tensor whose operators add their own cost.
    """

    def __init__(self, cost: ForwardCost, samples: int, patch_type: type) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._cost, self._samples, self._patch_type = cost, samples, patch_type

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True would import Torch's compiler, which takes seconds

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        output = result[0] if isinstance(result, list | tuple) and result else result
        if isinstance(output, torch.Tensor) and not isinstance(output, self._patch_type) and not func.is_view:
            self._cost.add_full(output.numel() / self._samples, _work(func.overloadpacket.__name__, args, output))
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
    weights = sum(arg.numel() for arg in args[1:] if isinstance(arg, torch.Tensor) and arg.ndim == 2)  # of a fused layer
    return float(weights / output.shape[-1]) if output.ndim and output.shape[-1] else 0.0

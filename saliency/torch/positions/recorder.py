"""Record the positions of every tensor of a forward pass."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from saliency.torch.positions.intervals import partition
from saliency.torch.positions.rules import attention_operands, attention_result, result_positions
from saliency.torch.positions.state import Positions

UNREADABLE = (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError)
"""What an operator may raise on intervals; its result then has no positions."""


class PositionRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call] # Torch leaves its hooks untyped
    """Follow the positions of the input through the operators of a forward pass.

    Views and copies move the positions with the data, element-wise operators keep them, sums unite them. Convolutions and
    poolings lay a new grid over the same part of the input. Attention keeps the positions of its queries. What has no
    position remains without one: latent vectors, queries of a detector, words, states, and the results of other operators.

    Args:
        x: (N, *input).
        spatial_axes: the axes of ``x`` that are spatial.
    """

    def __init__(self, x: torch.Tensor, spatial_axes: Sequence[int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._positions: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self.projections: set[torch.nn.Module] = set()  # layers that return queries, keys or values
        axes = []
        for axis in (*spatial_axes, 0):
            view = [1] * x.ndim
            view[axis] = -1
            axes.append(partition(x.shape[axis]).view(view).expand(x.shape) if x.shape[axis] > 1 else None)
        self._positions[x] = Positions(tuple(axes))

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # as in LogitRecorder

    def of(self, value: Any) -> Positions | None:
        """Return the positions of a tensor, or None."""
        if not isinstance(value, torch.Tensor) or value not in self._positions:
            return None
        found: Positions = self._positions[value]
        return found

    def set(self, tensor: torch.Tensor, positions: Positions | None) -> None:
        """Set the positions of a tensor."""
        if positions is not None:
            self._positions[tensor] = positions
        elif tensor in self._positions:
            del self._positions[tensor]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs, found = kwargs or {}, None
        result = func(*args, **kwargs)
        with suppress(*UNREADABLE):
            found = self._positions_of_result(func, args, kwargs, result)
        in_place = bool(args) and result is args[0]
        if in_place and self.of(result) is not found:
            self._forget_base(result)
        if isinstance(result, torch.Tensor):
            self.set(result, found)
        elif isinstance(found, Positions):
            self.set(result[0], found)
        elif found is not None:
            for tensor, positions in zip(result, found, strict=True):
                self.set(tensor, positions)
        return result

    def _positions_of_result(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
        name = func.overloadpacket.__name__
        if "scaled_dot_product" in name:
            found: Any = attention_result(self.of(args[0]), tuple(result[0].shape))
        else:
            found = result_positions(func, args, kwargs, result, self.of)
        single = found if isinstance(found, Positions) else None
        for operand in attention_operands(func, args, single, self.of):
            self.projections.update(operand.projections)
        return found

    def _forget_base(self, tensor: torch.Tensor) -> None:
        """Forget the positions of the tensor of which a view was overwritten."""
        base = tensor._base
        if base is not None:
            self.set(base, None)

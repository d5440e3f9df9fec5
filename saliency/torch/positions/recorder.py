"""Record the positions of every tensor of a forward pass."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from saliency.torch.positions.attention_log import AttentionLog
from saliency.torch.positions.convolutions import begin_grid
from saliency.torch.positions.intervals import along
from saliency.torch.positions.operator_call import OperatorCall
from saliency.torch.positions.products import attention_operands
from saliency.torch.positions.rules import result_positions
from saliency.torch.positions.state import Positions
from saliency.torch.positions.table import PositionTable
from saliency.torch.positions.varying_tensors import VaryingTensors

UNREADABLE = (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError)
"""What an operator may raise on intervals; its result then has no positions."""


class PositionRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call] # Torch leaves its hooks untyped
    """Follow the positions of the input through the operators of a forward pass.

    Views and copies move the positions with the data, element-wise operators keep them, sums unite them. Convolutions and
    poolings lay a new grid over the same part of the input. Attention keeps the positions of its queries. What has no
    position remains without one: latent vectors, queries of a detector, words, states, and the results of other operators. So
    do entries that were selected by the input's values or at random, because their positions hold for one pass only.

    Args:
        x: (N, *input).
        spatial_axes: the axes of ``x`` that are spatial; None for one that no axis of ``x`` is known to be.
        attentions: receives the attention of the forward pass.
        begins_grids: whether a convolution of a tensor without positions begins a grid. It tells the axis of the channels from
            the others, but is not a grid of the input.
    """

    def __init__(
        self,
        x: torch.Tensor,
        spatial_axes: Sequence[int | None],
        attentions: AttentionLog | None = None,
        begins_grids: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._begins_grids, self._axes = begins_grids, len(spatial_axes)
        self._positions, self._attentions = PositionTable(), attentions
        self._varying = VaryingTensors()
        self.projections: set[torch.nn.Module] = set()  # layers that return queries, keys or values
        self.set(x, Positions(tuple([None if axis is None else along(axis, tuple(x.shape)) for axis in (*spatial_axes, 0)])))

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # as in LogitRecorder

    def of(self, value: Any) -> Positions | None:
        """Return the positions of a tensor, or None."""
        return self._positions.of(value)

    def set(self, tensor: torch.Tensor, positions: Positions | None) -> None:
        """Set the positions of a tensor."""
        self._positions.set(tensor, positions)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if self._has_positions(args) or self._has_positions(kwargs.values()):
            self._record(OperatorCall(func, func.overloadpacket.__name__, args, kwargs, result, self.of))
            self._varying.add(result)
        elif self._begins_grids and "convolution" in func.overloadpacket.__name__:
            self._record(OperatorCall(func, func.overloadpacket.__name__, args, kwargs, result, self.of))
        elif self._varying.include(func, (*args, *kwargs.values())):
            self._varying.add(result)
        return result

    def _has_positions(self, values: Iterable[Any]) -> bool:
        for value in values:
            if isinstance(value, list | tuple):
                if self._has_positions(value):
                    return True
            elif isinstance(value, torch.Tensor) and self.of(value) is not None:
                return True
        return False

    def _record(self, call: OperatorCall) -> None:
        found, result = None, call.result
        with suppress(*UNREADABLE):
            found = self._positions_of_result(call)
            if self._attentions is not None:
                self._attentions.add(call, found)
        if self._begins_grids and (found is None or (isinstance(found, Positions) and not found.has_space)):
            found = begin_grid(call, self._axes) or found
        if call.args and result is call.args[0] and self.of(result) is not found:
            self._forget_base(result)
        if isinstance(result, torch.Tensor):
            self.set(result, found)
        elif isinstance(found, Positions):
            self.set(result[0], found)
        elif found is not None:
            for tensor, positions in zip(result, found, strict=True):
                self.set(tensor, positions)

    def _positions_of_result(self, call: OperatorCall) -> Any:
        found = None if self._varying.select(call.name, call.args) else result_positions(call)
        for operand in attention_operands(call, found):
            self.projections.update(operand.projections)
        return found

    def _forget_base(self, tensor: torch.Tensor) -> None:
        """Forget the positions of the tensor of which a view was overwritten."""
        base = tensor._base
        if base is not None:
            self.set(base, None)

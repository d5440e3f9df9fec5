"""Prove from a graph which tokens of a tensor are the positions of the input's image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from saliency.core.position_grid import PositionGrid
from saliency.tf.ops.graph_traversal import operations_between
from saliency.tf.ops.operation_axes import (
    ELEMENTWISE,
    GRIDS,
    image_axes,
    inputs_of,
    is_identity,
    keeps_samples,
    keeps_tokens,
    shape_of,
)


@dataclass(frozen=True)
class _Tokens:
    """Tokens ``first``, ... of a tensor (N, tokens, channels) that are the rows of a grid, one after the other."""

    first: int
    space: tuple[int, ...]
    total: int | None


def axes_are_exchanged(tensor: Any, x: Any, channels_last: bool = True) -> bool:
    """Return whether an image (N, *space, channels) or (N, channels, *space) has the input's axes in another order.

    Args:
        tensor, x, channels_last: as for ``find_token_grid``.
    """
    search = _Search(x, channels_last)
    search.prepare(tensor)
    axes = search.axes(tensor)
    return axes is not None and axes != image_axes(tensor, channels_last)


def find_token_grid(tensor: Any, x: Any, channels_last: bool = True) -> PositionGrid | None:
    """Return the grid of the input's positions in tokens (N, tokens, channels).

    A path leads from an image (N, rows, columns, channels), computed from the input by convolutions and poolings, to the
    tokens. On this path, the rows and columns become one axis, other tokens are put in front or behind, and all other
    operations keep each token at its place. Sums over tokens are no part of a path, but a block's input that is added to them
    is one.

    Args:
        tensor: the tokens.
        x: the input's tensor, in the same graph.
        channels_last: whether images have their channels last.

    Returns:
        None if no such path is found.
    """
    shape = shape_of(tensor)
    if len(shape) != 3 or not shape[2]:
        return None
    search = _Search(x, channels_last)
    search.prepare(tensor)
    tokens = search.tokens(tensor)
    total = None if tokens is None else shape[1] or tokens.total
    if tokens is None or total is None or min(tokens.space) < 2 or shape[2] < 2:
        return None
    order = tuple(range(tokens.first, tokens.first + tokens.space[0] * tokens.space[1]))
    return PositionGrid((1, total, shape[2]), 0, 2, order, tokens.space, total)


class _Search:
    """A search backward from tokens; what was found for a tensor is kept."""

    def __init__(self, x: Any, channels_last: bool) -> None:
        self._x, self._channels_last = x, channels_last
        self._found: dict[Any, Any] = {}

    def tokens(self, tensor: Any) -> _Tokens | None:
        """Return which tokens of a tensor (N, tokens, channels) form the grid."""
        found: _Tokens | None = self._once(("tokens", tensor.ref()), lambda: self._tokens(tensor))
        return found

    def prepare(self, tensor: Any) -> None:
        """Search every operation between the input and a tensor, in order: a deep network exceeds Python's recursion limit."""
        between = operations_between(self._x, tensor)
        for op in sorted(between, key={op: i for i, op in enumerate(tensor.graph.get_operations())}.__getitem__):
            for output in op.outputs:
                self.axes(output)
                self.tokens(output)

    def _once(self, key: Any, search: Callable[[], Any]) -> Any:
        if key not in self._found:
            self._found[key] = None  # for a loop
            self._found[key] = search()
        return self._found[key]

    def _tokens(self, tensor: Any) -> _Tokens | None:
        op, shape = tensor.op, shape_of(tensor)
        if len(shape) != 3:
            return None
        if op.type in ELEMENTWISE or (op.type == "BatchMatMulV2" and len(shape_of(op.inputs[1])) == 2):
            same = [one for one in inputs_of(op, tensor) if len(shape_of(one)) == 3 and shape_of(one)[1] == shape[1]]
            found = {one for one in map(self.tokens, same) if one is not None}
            return found.pop() if len(found) == 1 else None
        if op.type == "ConcatV2" and tf.get_static_value(op.inputs[-1]) in (1, -2):
            return self._concatenated(op.inputs[:-1])
        if op.type == "ConcatV2" and tf.get_static_value(op.inputs[-1]) in (2, -1):
            found = {one for one in map(self.tokens, op.inputs[:-1]) if one is not None}
            return found.pop() if len(found) == 1 else None
        if op.type == "Einsum" and keeps_tokens(op.get_attr("equation").decode()):
            return self.tokens(op.inputs[0])
        if op.type == "StridedSlice":
            return self._sliced(op, shape)
        if op.type == "Transpose" and is_identity(op):
            return self.tokens(op.inputs[0])
        return self._reshaped(op.inputs[0], op.inputs[1], shape) if op.type == "Reshape" else None

    def _concatenated(self, parts: Sequence[Any]) -> _Tokens | None:
        lengths = [shape_of(one)[1] if len(shape_of(one)) == 3 else None for one in parts]
        found = [(i, tokens) for i, tokens in enumerate(map(self.tokens, parts)) if tokens is not None]
        if len(found) != 1:
            return None
        i, tokens = found[0]
        lengths[i] = lengths[i] or tokens.total
        known = [length for length in lengths if length is not None]
        if len(known) < len(lengths):
            return None
        return replace(tokens, first=tokens.first + sum(known[:i]), total=sum(known))

    def _sliced(self, op: Any, shape: tuple[int | None, ...]) -> _Tokens | None:
        begin, strides = tf.get_static_value(op.inputs[1]), tf.get_static_value(op.inputs[3])
        special = any(op.get_attr(name) for name in ("ellipsis_mask", "new_axis_mask", "shrink_axis_mask"))
        tokens = self.tokens(op.inputs[0]) if len(shape_of(op.inputs[0])) == 3 else None
        if tokens is None or begin is None or strides is None or special or any(step != 1 for step in strides):
            return None
        start = 0 if len(begin) < 2 or op.get_attr("begin_mask") & 2 else int(begin[1])
        before, after = shape_of(op.inputs[0])[1], shape[1]
        if before is None or after is None:
            return None
        first = tokens.first - (start if start >= 0 else before + start)
        fits = 0 <= first <= after - tokens.space[0] * tokens.space[1]
        return replace(tokens, first=first, total=after) if fits else None

    def _reshaped(self, source: Any, target: Any, shape: tuple[int | None, ...]) -> _Tokens | None:
        before = shape_of(source)
        if len(before) == 4 and self._channels_last and before[3] == shape[2] and None not in before[1:]:
            rows, columns = int(before[1] or 0), int(before[2] or 0)
            is_one_row = rows * columns == shape[1] or (shape[1] is None and keeps_samples(target))
            return _Tokens(0, (rows, columns), rows * columns) if is_one_row and self._is_image(source) else None
        if len(before) == 3 and before[1:] == shape[1:]:
            return self.tokens(source)
        return self._from_rows(source, shape) if len(before) == 2 else None

    def _from_rows(self, source: Any, shape: tuple[int | None, ...]) -> _Tokens | None:
        """Follow a dense layer's rows (N * tokens, channels) back to its tokens."""
        while source.op.type in ELEMENTWISE and len(shape_of(source.op.inputs[0])) == 2:
            source = source.op.inputs[0]
        if source.op.type != "MatMul" or source.op.get_attr("transpose_a"):
            return None
        rows, weights = source.op.inputs[:2]
        channels = shape_of(weights)[1 if source.op.get_attr("transpose_b") else 0]
        if rows.op.type != "Reshape":
            return None
        tokens = rows.op.inputs[0]
        before = shape_of(tokens)
        return self.tokens(tokens) if len(before) == 3 and before[1] == shape[1] and before[2] == channels else None

    def _is_image(self, tensor: Any) -> bool:
        return self.axes(tensor) == image_axes(tensor, self._channels_last)

    def axes(self, tensor: Any) -> tuple[int, ...] | None:
        """Return the axes of an image on which the input's spatial axes lie; None if this is not known."""
        found: tuple[int, ...] | None = self._once(("axes", tensor.ref()), lambda: self._axes(tensor))
        return found

    def _axes(self, tensor: Any) -> tuple[int, ...] | None:
        if tensor is self._x:
            return image_axes(tensor, self._channels_last)
        op = tensor.op
        if op.type in GRIDS:
            return self.axes(op.inputs[0])
        if op.type == "Transpose":
            order, before = tf.get_static_value(op.inputs[1]), self.axes(op.inputs[0])
            return None if order is None or before is None else tuple(list(order).index(axis) for axis in before)
        if op.type not in (*ELEMENTWISE, "ConcatV2"):
            return None
        same = [one for one in inputs_of(op, tensor) if one.shape.rank == tensor.shape.rank]
        found = {axes for axes in map(self.axes, same) if axes is not None}
        return found.pop() if len(found) == 1 else None

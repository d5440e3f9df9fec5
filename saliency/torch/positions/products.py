"""The positions of the result of a matrix product, and of attention."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from saliency.torch.positions.operator_call import OperatorCall
from saliency.torch.positions.reshaping import reshape
from saliency.torch.positions.state import Positions, combine, is_projection

PRODUCTS = {"mm": 0, "bmm": 0, "addmm": 1, "baddbmm": 1, "_addmm_activation": 1, "linear": 0, "mv": 0}
"""The position of the left matrix among an operator's arguments; the right one follows."""

SOFTMAX = {"_softmax", "_safe_softmax"}

OPERANDS = ("bmm", "mm", "baddbmm")
"""Products that attention may consist of."""


def product(call: OperatorCall) -> Positions | None:
    """Return the positions of a matrix product: those of the rows on the left and of the columns on the right."""
    at, shape = PRODUCTS[call.name], call.shape
    left, right, right_ndim = call.of(call.args[at]), call.of(call.args[at + 1]), call.args[at + 1].ndim
    parts = []
    if left is not None:
        parts.append(left.unite(-1, shape) if right_ndim > 1 else _without_last(left.unite(-1, (*shape, 1)), shape))
    if right is not None and right_ndim > 1:
        parts.append(right.unite(-2, shape))
    is_attention = any(one is not None and one.in_pairs for one in (left, right))
    if is_attention:  # the result has the queries' positions; all keys together may cover a part of the input only
        parts = [part for part in parts if part.in_pairs]
    keys: tuple[torch.nn.Module, ...] = ()
    if right is None and left is not None:
        keys = _before_projection(left)
    elif right is not None and left is not None and not parts[0].has_space:
        keys = right.projections
    parts = [Positions(part.axes, False, part.attended or is_attention, keys) for part in parts]
    if len(parts) < 2 or is_attention or not all(part.has_space for part in parts):
        return combine(parts, shape) if parts else None
    return replace(parts[0], in_pairs=True)


def key_positions(call: OperatorCall) -> Positions | None:
    """Return the positions of the columns of a matrix of attention, whose own positions are those of its rows."""
    right = call.of(call.args[PRODUCTS[call.name] + 1])
    return None if right is None else replace(right.unite(-2, call.shape), in_pairs=True, projections=())


def _before_projection(positions: Positions) -> tuple[torch.nn.Module, ...]:
    """Return the layers that begin a projection, such as a convolution of each channel; none after a linear layer."""
    return () if any(map(is_projection, positions.projections)) else positions.projections


def _without_last(positions: Positions, shape: tuple[int, ...]) -> Positions:
    return positions.map(lambda one: reshape(one, shape))


def attention_operands(call: OperatorCall, result: object) -> Sequence[Positions]:
    """Return the positions of the queries, keys and values that an operator reads.

    Two factors that are summed over their positions are keys and values as well: in linear attention, or where the first are
    weights of attention. The product of a tensor with itself is none of these.
    """
    if "scaled_dot_product" in call.name:
        return [one for one in map(call.of, call.args[:3]) if one is not None]
    if call.name in SOFTMAX:
        return [call.first] if call.first is not None and call.first.varies_along(call.args[1]) else []
    if call.name not in OPERANDS:
        return []
    operands = [one for one in map(call.of, call.args[-2:]) if one is not None]
    in_pairs = isinstance(result, Positions) and result.in_pairs
    if in_pairs or any(one.in_pairs for one in operands):
        return operands
    if len(operands) < 2 or not (operands[0].varies_along(-1) and operands[1].varies_along(-2)):
        return []
    is_same = call.args[-2].data_ptr() == call.args[-1].data_ptr()
    return [] if is_same else [one for one in operands if sum(map(is_projection, one.projections)) == 1]


def attention_result(call: OperatorCall) -> Positions | None:
    """Return the positions of attention's result: those of its queries."""
    query = call.first
    if query is None:
        return None
    moved = query.unite(-1, tuple(call.result[0].shape if isinstance(call.result, tuple | list) else call.result.shape))
    return replace(moved, attended=True, projections=())

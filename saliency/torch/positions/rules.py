"""The positions of an operator's result from those of its arguments."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from saliency.torch.positions.convolutions import lay_grid
from saliency.torch.positions.intervals import unite, varying_dims
from saliency.torch.positions.moves import RESHAPES, Lookup, move, pad
from saliency.torch.positions.state import Positions, combine, is_projection

SAME = {
    "alias", "clone", "contiguous", "detach", "lift_fresh", "_to_copy", "native_dropout", "_softmax", "_log_softmax",
    "_safe_softmax", "cumsum", "hardswish", "hardswish_", "_transformer_encoder_layer_fwd", "tril", "triu", "hardsigmoid",
    "_prelu_kernel", "leaky_relu", "leaky_relu_", "elu", "elu_", "celu", "hardtanh", "hardtanh_", "rrelu_with_noise", "to",
}  # fmt: skip
"""Operators whose result has the positions of the first argument."""

SOFTMAX = {"_softmax", "_safe_softmax"}

NORMS = re.compile("(layer|group|batch|instance|rms)_norm")
MOVES = {
    "cat", "stack", "index", "index_select", "gather", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle",
    "native_channel_shuffle", "repeat", "im2col", "unfold", "roll", "flip", "split_with_sizes", "_unsafe_index",
}  # fmt: skip
OPAQUE_VIEWS = {"as_strided", "view_as_real", "view_as_complex", "_conj", "_neg_view", "real", "imag"}
REDUCTIONS = {
    "sum", "mean", "amax", "amin", "max", "min", "var", "std", "linalg_vector_norm", "norm", "logsumexp", "prod", "median",
    "var_mean", "std_mean", "all", "any",
}  # fmt: skip
PRODUCTS = {"mm": 0, "bmm": 0, "addmm": 1, "baddbmm": 1, "_addmm_activation": 1, "linear": 0, "mv": 0}
SPATIAL = re.compile("conv|pool|upsample|deform|grid_sampler|_interpolate|resize")
PADDING = re.compile(r"^(constant|reflection|replication)_pad|^_pad_circular")


def result_positions(func: Any, args: Sequence[Any], kwargs: Any, result: Any, of: Lookup) -> Any:
    """Return the positions of an operator's result, or a list of them for a list of results; None if there are none.

    An operator that is not known returns tensors without positions.
    """
    name = func.overloadpacket.__name__
    if "nested" in name or not all(map(_is_dense, (*args, *(result if isinstance(result, list | tuple) else [result])))):
        return None  # operators on nested tensors end the process where they get other values
    first = of(args[0]) if args else None
    shape = tuple(result.shape) if isinstance(result, torch.Tensor) else ()
    if name in SOFTMAX and first is not None and _is_over_positions(first, args[1]):
        return replace(first, attended=True)  # weights of attention by a query without a position, such as a class token
    if name in SAME:
        return first if first is not None and (not shape or tuple(args[0].shape) == shape) else None
    if NORMS.search(name):
        return first and replace(first, attended=False)
    if name in PRODUCTS:
        at = PRODUCTS[name]
        return _product(of(args[at]), of(args[at + 1]), args[at + 1].ndim, shape)
    if torch.Tag.pointwise in func.tags or name in ("copy_", "addcmul", "addcdiv", "lerp", "clamp"):
        parts = [one for one in (of(arg) for arg in (*args, *kwargs.values())) if one is not None]
        return combine(parts, shape) if parts and shape else None
    if name == "glu":
        dim, half = (args[1] if len(args) > 1 else -1), shape
        return first and first.map(lambda one: one.narrow(dim, 0, half[dim]))
    if name in REDUCTIONS:
        return first and _reduction(func, args, kwargs, first)
    if PADDING.match(name):
        return first and first.map(lambda one: pad(one, args[1], shape))
    if (func.is_view or name in MOVES or name in RESHAPES or _is_fold(name, args)) and name not in OPAQUE_VIEWS:
        return move(func, name, args, kwargs, result, of)
    if first is not None and (SPATIAL.search(name) or func.namespace not in ("aten", "prims")):
        result = result[0] if isinstance(result, tuple | list) else result
        return lay_grid(name, args, first, tuple(args[0].shape), tuple(result.shape))
    return None


def _is_fold(name: str, args: Sequence[Any]) -> bool:
    """Return whether an operator puts patches side by side that fill an image and do not overlap."""
    if name != "col2im":
        return False
    size, kernel, dilation, padding, stride = map(list, args[1:6])
    is_filled = all(length % width == 0 for length, width in zip(size, kernel, strict=True))
    return is_filled and kernel == stride and dilation == [1, 1] and padding == [0, 0]


def _is_dense(value: Any) -> bool:
    return not isinstance(value, torch.Tensor) or (value.layout == torch.strided and not value.is_nested)


def _product(left: Positions | None, right: Positions | None, right_ndim: int, shape: tuple[int, ...]) -> Positions | None:
    """Return the positions of a matrix product: those of the rows on the left and of the columns on the right."""
    parts = []
    if left is not None:
        parts.append(left.unite(-1, shape if right_ndim > 1 else (*shape, 1)))
        if right_ndim == 1:
            parts[0] = parts[0].map(lambda one: one.squeeze(-1))
    if right is not None and right_ndim > 1:
        parts.append(right.unite(-2, shape))
    is_attention = any(one is not None and one.in_pairs for one in (left, right))
    if is_attention:  # the result has the queries' positions; all keys together may cover a part of the input only
        parts = [part for part in parts if part.in_pairs]
    keys = right.projections if right is not None and left is not None and not parts[0].has_space else ()
    parts = [replace(part, in_pairs=False, projections=keys, attended=part.attended or is_attention) for part in parts]
    if len(parts) < 2 or is_attention or not all(part.has_space for part in parts):
        return combine(parts, shape) if parts else None
    return replace(parts[0], in_pairs=True)


def attention_operands(func: Any, args: Sequence[Any], result: Positions | None, of: Lookup) -> list[Positions]:
    """Return the positions of the queries, keys and values that an operator reads.

    Two factors that are summed over their positions are keys and values as well: in linear attention, or where the first are
    weights of attention. The product of a tensor with itself is none of these.
    """
    name = func.overloadpacket.__name__
    if "scaled_dot_product" in name:
        return [one for one in map(of, args[:3]) if one is not None]
    if name in ("bmm", "mm", "baddbmm"):
        operands = [one for one in map(of, args[-2:]) if one is not None]
        if (result is not None and result.in_pairs) or any(one.in_pairs for one in operands):
            return operands
        if len(operands) == 2 and _is_over_positions(operands[0], -1) and _is_over_positions(operands[1], -2):
            same = args[-2].data_ptr() == args[-1].data_ptr()
            return [] if same else [one for one in operands if sum(map(is_projection, one.projections)) == 1]
    if name in SOFTMAX:
        first = of(args[0])
        return [] if first is None or not _is_over_positions(first, args[1]) else [first]
    return []


def _is_over_positions(positions: Positions, dim: int) -> bool:
    """Return whether places in the input change along a dimension."""
    space = [one for one in positions.axes[:-1] if one is not None]
    return any(dim % one.ndim in varying_dims(one) for one in space)


def attention_result(query: Positions | None, shape: tuple[int, ...]) -> Positions | None:
    """Return the positions of attention's result: those of its queries."""
    if query is None:
        return None
    moved = query.unite(-1, shape)
    return replace(moved, attended=True, projections=())


def _reduction(func: Any, args: Sequence[Any], kwargs: Any, first: Positions) -> Positions | None:
    values = {one.name: value for one, value in zip(func._schema.arguments, args, strict=False)} | dict(kwargs)
    dims, keep, ndim = values.get("dim"), values.get("keepdim", False), args[0].ndim
    if isinstance(dims, int):
        dims = [dims]
    if not dims:
        return None
    dims = sorted({dim % ndim for dim in dims}, reverse=True)

    def reduce(intervals: torch.Tensor) -> torch.Tensor | None:
        united = unite(intervals, dims)
        if united is None or keep:
            return united
        for dim in dims:
            united = united.squeeze(dim)
        return united

    return first.map(reduce)

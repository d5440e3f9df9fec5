"""The positions of an operator's result from those of its arguments."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import torch

from saliency.torch.positions.intervals import resample, reshape, strip, unite, varying_dims
from saliency.torch.positions.state import Positions, combine

Lookup: TypeAlias = Callable[[Any], Positions | None]

SAME = {
    "alias", "clone", "contiguous", "detach", "lift_fresh", "_to_copy", "native_dropout", "_softmax", "_log_softmax",
    "_safe_softmax", "cumsum", "hardswish", "hardswish_", "_transformer_encoder_layer_fwd", "tril", "triu", "hardsigmoid",
    "_prelu_kernel", "leaky_relu", "leaky_relu_", "elu", "elu_", "celu", "hardtanh", "hardtanh_", "rrelu_with_noise", "to",
}  # fmt: skip
"""Operators whose result has the positions of the first argument."""

NORMS = re.compile("(layer|group|batch|instance|rms)_norm")
RESHAPES = {"view", "_unsafe_view", "reshape", "_reshape_alias", "view_copy", "_reshape_copy"}
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
    first = of(args[0]) if args else None
    shape = tuple(result.shape) if isinstance(result, torch.Tensor) else ()
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
        return first and _reduction(func, args, kwargs, first, shape)
    if PADDING.match(name):
        return first and first.map(lambda one: _pad(one, args[1], shape))
    if (func.is_view or name in MOVES or name in RESHAPES) and name not in OPAQUE_VIEWS:
        return _move(func, name, args, kwargs, result, of)
    if first is not None and (SPATIAL.search(name) or func.namespace not in ("aten", "prims")):
        result = result[0] if isinstance(result, tuple | list) else result
        return _spatial(name, args, first, tuple(args[0].shape), tuple(result.shape))
    return None


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
    parts = [replace(part, in_pairs=False, projections=(), attended=part.attended or is_attention) for part in parts]
    if len(parts) < 2 or is_attention or not all(part.has_space for part in parts):
        return combine(parts, shape) if parts else None
    return replace(parts[0], in_pairs=True)


def attention_operands(func: Any, args: Sequence[Any], result: Positions | None, of: Lookup) -> list[Positions]:
    """Return the positions of the queries, keys and values that an operator reads."""
    name = func.overloadpacket.__name__
    if "scaled_dot_product" in name:
        return [one for one in map(of, args[:3]) if one is not None]
    if name in ("bmm", "mm", "baddbmm"):
        operands = [one for one in map(of, args[-2:]) if one is not None]
        if (result is not None and result.in_pairs) or any(one.in_pairs for one in operands):
            return operands
    return []


def attention_result(query: Positions | None, shape: tuple[int, ...]) -> Positions | None:
    """Return the positions of attention's result: those of its queries."""
    if query is None:
        return None
    moved = query.unite(-1, shape)
    return replace(moved, attended=True, projections=())


def _reduction(func: Any, args: Sequence[Any], kwargs: Any, first: Positions, shape: tuple[int, ...]) -> Positions | None:
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


def _pad(intervals: torch.Tensor, widths: Sequence[int], shape: tuple[int, ...]) -> torch.Tensor:
    small = strip(intervals)
    padded: list[int] = []
    for i in range(0, len(widths), 2):
        moves = small.shape[-1 - i // 2] > 1  # a length of 1 is broadcast
        padded += [widths[i], widths[i + 1]] if moves else [0, 0]
    return torch.nn.functional.pad(small, padded).expand(shape)


def _move(func: Any, name: str, args: Sequence[Any], kwargs: Any, result: Any, of: Lookup) -> Any:
    """Move the intervals by the operator itself."""
    sources = [one for arg in args for one in (arg if isinstance(arg, list | tuple) else [arg])]
    known = [one for one in map(of, sources) if one is not None]
    if not known:
        return None
    several = isinstance(result, list | tuple)
    columns: list[Any] = []  # intervals, or a list of them for several results, for each axis
    for axis in range(len(known[0].axes)):
        if all(one.axes[axis] is None for one in known):
            columns.append([None] * len(result) if several else None)
            continue

        def moved(arg: Any, axis: int = axis) -> Any:
            if isinstance(arg, list | tuple):
                return type(arg)(moved(one, axis) for one in arg)
            if not isinstance(arg, torch.Tensor):
                return arg
            positions = of(arg)
            one = None if positions is None else positions.axes[axis]
            if one is not None:
                return one
            if arg.is_floating_point():
                return torch.zeros((1,) * arg.ndim, dtype=torch.float64).expand(arg.shape)
            return arg.cpu()

        if name in RESHAPES:
            columns.append(reshape(moved(args[0]), tuple(result.shape)))
        elif name in ("roll", "flip"):
            columns.append(func(strip(moved(args[0])), *args[1:], **kwargs).expand(tuple(result.shape)))
        elif name == "cat":
            dim = args[1] if len(args) > 1 else kwargs.get("dim", 0)
            columns.append(_concatenate([moved(one) for one in args[0]], dim).expand(tuple(result.shape)))
        else:
            columns.append(func(*(moved(arg) for arg in args), **kwargs))
    first = known[0]
    whole = replace(
        first,
        axes=(),
        in_pairs=any(one.in_pairs for one in known),
        projections=tuple({module: None for one in known for module in one.projections}),
    )
    if not several:
        return replace(whole, axes=tuple(columns))
    return [replace(whole, axes=axes) for axes in zip(*columns, strict=True)]


def _concatenate(parts: list[torch.Tensor], dim: int) -> torch.Tensor:
    """Concatenate intervals, with length 1 on dimensions on which nothing changes."""
    parts = [one for one in parts if one.numel()]
    dim %= parts[0].ndim
    for other in range(parts[0].ndim):
        if other != dim and all(one.shape[other] == 1 or one.stride(other) == 0 for one in parts):
            parts = [one.narrow(other, 0, 1) for one in parts]
    if all(one.shape[dim] == 1 or one.stride(dim) == 0 for one in parts):
        heads = [one.narrow(dim, 0, 1) for one in parts]
        if all(head.shape == heads[0].shape and torch.equal(heads[0], head) for head in heads[1:]):
            return heads[0]
    return torch.cat(parts, dim)


def _spatial(
    name: str, args: Sequence[Any], first: Positions, before: tuple[int, ...], after: tuple[int, ...]
) -> Positions | None:
    """Return the positions after a convolution, a pooling or a resampling: a grid over the same part of the input."""
    digits = re.search(r"([123])d", name)
    if "conv" in name and len(args) > 1 and isinstance(args[1], torch.Tensor):
        count = args[1].ndim - 2
    else:
        count = int(digits[1]) if digits else len(before) - 2
    if len(before) != len(after) or count < 1 or len(before) <= count:
        return None
    channel, lead = len(before) - count - 1, range(len(before) - count)
    axes: list[torch.Tensor | None] = []
    for one in first.axes:
        united = None if one is None else unite(one, [channel])
        if united is None:
            axes.append(None)
            continue
        varying = varying_dims(united)
        moving = [dim for dim in varying if dim not in lead]
        if all(before[dim] == after[dim] for dim in moving) and not (len(varying) == 1 and _has_gaps(united, moving)):
            shape = [united.shape[dim] if dim in varying else 1 for dim in range(len(before))]
            small = united[tuple(slice(0, length) for length in shape)]
            axes.append(small.expand(after))
            continue
        if len(varying) != 1:
            return None
        line = strip(united).amax([dim for dim in range(united.ndim) if dim != moving[0]])
        resampled = resample(line, after[moving[0]])
        if resampled is None:
            return None
        view = [1] * len(after)
        view[moving[0]] = -1
        axes.append(resampled.view(view).expand(after) if bool(resampled.any()) else None)
    one_by_one = "conv" in name and len(args) > 1 and all(length == 1 for length in args[1].shape[2:])
    return Positions(tuple(axes), attended=first.attended and one_by_one)


def _has_gaps(intervals: torch.Tensor, moving: list[int]) -> bool:
    return bool(moving) and not bool(strip(intervals).all())

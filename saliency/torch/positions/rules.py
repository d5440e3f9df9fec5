"""The positions of an operator's result from those of its arguments."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, TypeAlias

import torch

from saliency.torch.model_check import is_dense
from saliency.torch.positions.convolutions import lay_grid
from saliency.torch.positions.intervals import Intervals, unite
from saliency.torch.positions.moves import RESHAPES, move, pad, take_range
from saliency.torch.positions.operator_call import OperatorCall
from saliency.torch.positions.products import PRODUCTS, SOFTMAX, attention_result, product
from saliency.torch.positions.reshaping import reshape
from saliency.torch.positions.state import Positions, combine

Rule: TypeAlias = Callable[[OperatorCall], Any]
"""A function from an operator's call to the positions of its result, None, or a list of them for several results."""

SAME = {
    "alias", "clone", "contiguous", "detach", "lift_fresh", "_to_copy", "native_dropout", "_softmax", "_log_softmax",
    "_safe_softmax", "cumsum", "hardswish", "hardswish_", "_transformer_encoder_layer_fwd", "tril", "triu", "hardsigmoid",
    "_prelu_kernel", "leaky_relu", "leaky_relu_", "elu", "elu_", "celu", "hardtanh", "hardtanh_", "rrelu_with_noise", "to",
}  # fmt: skip
"""Operators whose result has the positions of the first argument."""

NORMS = re.compile("(layer|group|batch|instance|rms)_norm")
MOVES = {
    "cat", "stack", "index", "index_select", "gather", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle",
    "native_channel_shuffle", "repeat", "im2col", "unfold", "roll", "flip", "split_with_sizes", "_unsafe_index",
}  # fmt: skip
OPAQUE_VIEWS = {"as_strided", "view_as_real", "view_as_complex", "_conj", "_neg_view", "real", "imag"}
POINTWISE = {"copy_", "addcmul", "addcdiv", "lerp", "clamp"}
REDUCTIONS = {
    "sum", "mean", "amax", "amin", "max", "min", "var", "std", "linalg_vector_norm", "norm", "logsumexp", "prod", "median",
    "var_mean", "std_mean", "all", "any",
}  # fmt: skip
SPATIAL = re.compile("conv|pool|upsample|deform|_interpolate|resize")
PADDING = re.compile(r"^(constant|reflection|replication)_pad|^_pad_circular")


def result_positions(call: OperatorCall) -> Any:
    """Return the positions of an operator's result, or a list of them for a list of results; None if there are none.

    An operator that is not known returns tensors without positions.
    """
    rule, results = _rule_of(call.func), call.result if isinstance(call.result, list | tuple) else [call.result]
    if rule is None or not all(map(is_dense, (*call.args, *results))):
        return None  # operators on nested tensors end the process where they get other values
    return rule(call)


@cache
def _rule_of(func: Any) -> Rule | None:
    name = func.overloadpacket.__name__
    if "nested" in name:
        return None
    if "scaled_dot_product" in name:
        return attention_result
    is_move = (func.is_view or name in MOVES or name in RESHAPES) and name not in OPAQUE_VIEWS
    is_spatial = bool(SPATIAL.search(name)) or func.namespace not in ("aten", "prims")
    rules: list[tuple[Any, Rule]] = [
        (name in SOFTMAX, _softmax),
        (name in SAME, _same),
        (NORMS.search(name), _normalized),
        (name in PRODUCTS, product),
        (torch.Tag.pointwise in func.tags or name in POINTWISE, _pointwise),
        (name == "glu", _half),
        (name in REDUCTIONS, _reduced),
        (PADDING.match(name), _padded),
        (is_move, move),
        (name == "col2im", _folded),
        (is_spatial, lay_grid),
    ]
    return next((rule for applies, rule in rules if applies), None)


def _same(call: OperatorCall) -> Positions | None:
    shape = call.shape
    return None if shape and tuple(call.args[0].shape) != shape else call.first


def _softmax(call: OperatorCall) -> Positions | None:
    first = call.first
    if first is not None and first.varies_along(call.args[1]):
        return replace(first, attended=True)  # weights of attention by a query without a position, such as a class token
    return _same(call)


def _folded(call: OperatorCall) -> Any:
    """Return the positions of patches side by side that fill an image and do not overlap."""
    size, kernel, dilation, padding, stride = map(list, call.args[1:6])
    is_filled = all(length % width == 0 for length, width in zip(size, kernel, strict=True))
    return move(call) if is_filled and kernel == stride and dilation == [1, 1] and padding == [0, 0] else None


def _normalized(call: OperatorCall) -> Positions | None:
    first = call.first
    return replace(first, attended=False) if first is not None and first.attended else first


def _pointwise(call: OperatorCall) -> Positions | None:
    parts, shape = [one for one in map(call.of, (*call.args, *call.kwargs.values())) if one is not None], call.shape
    return combine(parts, shape) if parts and shape else None


def _half(call: OperatorCall) -> Positions | None:
    first, shape = call.first, call.shape
    dim = call.args[1] if len(call.args) > 1 else -1
    return first and first.map(lambda one: take_range(one, (dim, 0, shape[dim]), shape))


def _padded(call: OperatorCall) -> Positions | None:
    first, shape = call.first, call.shape
    return first and first.map(lambda one: pad(one, call.args[1], shape))


def _reduced(call: OperatorCall) -> Positions | None:
    names = [argument.name for argument in call.func._schema.arguments]
    values = dict(zip(names, call.args, strict=False)) | call.kwargs
    dims, keep, first = values.get("dim"), values.get("keepdim", False), call.first
    dims = [dims] if isinstance(dims, int) else dims
    if first is None or not dims:
        return None
    reduced = {dim % call.args[0].ndim for dim in dims}

    def reduce(intervals: Intervals) -> Intervals | None:
        united = unite(intervals, reduced)
        if united is None or keep:
            return united
        return reshape(united, tuple(length for dim, length in enumerate(united.shape) if dim not in reduced))

    return first.map(reduce)

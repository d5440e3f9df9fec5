"""The positions of an operation's result from those of its inputs."""

from typing import Any

import numpy as np

from saliency.tf.positions.grids import GRIDS
from saliency.tf.positions.moves import MOVES
from saliency.tf.positions.products import PRODUCTS, product_positions
from saliency.tf.positions.sources import Result, Sources, axes_of
from saliency.tf.positions.state import Positions, Shape, combine

ELEMENTWISE = {
    "Abs", "Acos", "Add", "AddN", "AddV2", "Asin", "Atan", "Atan2", "BiasAdd", "Cast", "Ceil", "CheckNumerics", "ClipByValue",
    "Cos", "Cosh", "Div", "DivNoNan", "Elu", "EnsureShape", "Erf", "Erfc", "Erfinv", "Exp", "Expm1", "FakeQuantWithMinMaxArgs",
    "FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel", "Floor", "Identity", "IdentityN", "Inv", "LeakyRelu",
    "Lgamma", "Log", "Log1p", "Maximum", "Minimum", "Mul", "MulNoNan", "Neg", "PlaceholderWithDefault", "Pow",
    "PreventGradient", "QuantizeAndDequantizeV2", "QuantizeAndDequantizeV3", "QuantizeAndDequantizeV4", "RealDiv",
    "Reciprocal", "Relu", "Relu6", "Rint", "Round", "Rsqrt", "Select", "SelectV2", "Selu", "Sigmoid", "Sign", "Sin", "Sinh",
    "Snapshot", "Softplus", "Softsign", "Sqrt", "Square", "SquaredDifference", "StopGradient", "Sub", "Tan", "Tanh", "Xdivy",
    "Xlogy",
}  # fmt: skip
"""Operations that compute each entry from the entries at the same place."""

SAME = {
    "Cumprod", "Cumsum", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "L2Normalize", "LRN", "LogSoftmax",
    "MatrixBandPart", "Softmax", "_FusedBatchNormEx",
}  # fmt: skip
"""Operations whose result has the positions of the first input."""

REDUCTIONS = {"All", "Any", "EuclideanNorm", "Max", "Mean", "Min", "Prod", "Sum"}

NORMALIZING = {"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "Rsqrt", "_FusedBatchNormEx"}


def result_positions(op: Any, sources: Sources) -> Result:
    """Return the positions of an operation's result, or those of each result; None if it has none.

    An operation that is not known returns tensors without positions.
    """
    known = [one for one in map(sources.of, op.inputs) if one is not None]
    if op.type in PRODUCTS:
        return product_positions(op, sources)
    if op.type == "IdentityN":
        return [sources.of(one) for one in op.inputs]
    if op.type in ELEMENTWISE and known:
        result = combine(known, _broadcast_shape(op, known))
        return _after_norm(result) if op.type in NORMALIZING else result
    if not known:
        return None
    if op.type in MOVES:
        return MOVES[op.type](op, known[0], sources)
    if op.type in GRIDS:
        return GRIDS[op.type](op, known[0], sources)
    first = sources.of(op.inputs[0])
    if first is None:
        return None
    if op.type in SAME:
        return _after_norm(first) if op.type in NORMALIZING else first
    return _reduced(op, first, sources) if op.type in REDUCTIONS else None


def _after_norm(positions: Positions) -> Positions:
    return Positions(positions.shape, positions.axes, positions.in_pairs, False, positions.projections, whole=positions.whole)


def _broadcast_shape(op: Any, parts: list[Positions]) -> Shape:
    """Return the shape of an element-wise function: the graph's, with the lengths that are unknown there from its inputs."""
    static = op.outputs[0].shape
    shape = np.broadcast_shapes(*(part.shape for part in parts))
    if static.rank is None:
        return shape
    known = [1] * (static.rank - len(shape)) + list(shape)
    return tuple(int(known[i] if length is None else length) for i, length in enumerate(static.as_list()))


def _reduced(op: Any, first: Positions, sources: Sources) -> Positions:
    dims = axes_of(op.inputs[1], len(first.shape), sources)
    united = first.unite(*dims)
    if op.get_attr("keep_dims"):
        return united
    shape = tuple(length for dim, length in enumerate(first.shape) if dim not in dims)
    return united.map(lambda one: np.squeeze(one, dims), shape)

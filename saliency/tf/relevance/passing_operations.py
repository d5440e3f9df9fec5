"""Kinds of operations that relevance passes in the same way, whatever the composite."""

from saliency.tf.ops.operation_kinds import LINEAR, MAXIMA, MINIMA
from saliency.tf.ops.train_mode_operations import FUSED_NORMS
from saliency.tf.relevance.linear_operations import CONVOLUTIONS, MATRIX_PRODUCTS, TRANSPOSED_CONVOLUTIONS

ARRANGEMENTS = frozenset({
    "Identity", "IdentityN", "Snapshot", "CheckNumerics", "EnsureShape", "Reshape", "Transpose", "ExpandDims",
    "Squeeze", "Cast", "Pad", "PadV2", "Concat", "ConcatV2", "Pack", "Unpack", "Slice", "StridedSlice", "Split",
    "SplitV", "Gather", "GatherV2", "GatherNd", "Tile", "BroadcastTo", "SpaceToDepth", "DepthToSpace",
    "SpaceToBatchND", "BatchToSpaceND", "SpaceToBatch", "BatchToSpace", "ReverseV2", "Roll", "MatrixDiagPartV3",
    "MatrixDiagV3", "ExtractImagePatches", "ExtractVolumePatches", "ReverseSequence",
})  # fmt: skip
"""Operations that only arrange or copy values."""

SUMS = frozenset({"Add", "AddV2", "AddN", "AccumulateNV2", "Sub"})
"""Sums, of which several terms share relevance by the epsilon rule."""

PRODUCTS = frozenset({"Mul", "Div", "RealDiv", *MATRIX_PRODUCTS})

ACTIVATIONS = frozenset({
    "Relu6", "Elu", "Selu", "Sigmoid", "Tanh", "Softplus", "Softsign", "ClipByValue", "Square", "Pow", "Sqrt",
    "Expm1", "Maximum", "Minimum",
})  # fmt: skip
"""Functions of each number, which pass relevance unchanged."""

BOUNDS = frozenset({"Maximum", "Minimum"})
"""Those of them that take the number as either input, and constants as the other."""

PASSED_BY_GRADIENT = (
    LINEAR
    | MAXIMA
    | MINIMA
    | {"Relu", "LeakyRelu", "Abs", "Softmax"}
) - {*CONVOLUTIONS, *TRANSPOSED_CONVOLUTIONS, *MATRIX_PRODUCTS, *FUSED_NORMS, "StopGradient", "PreventGradient"}  # fmt: skip
"""Operations whose results are sums or choices of their inputs; for a softmax, the gradient is the rule of AttnLRP."""

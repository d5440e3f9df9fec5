"""Kinds of operators and autograd nodes, by name."""

import re
from functools import lru_cache
from typing import Any

from torch.autograd.graph import Node

IN_PLACE_RELUS = {"relu_"}
"""Operators that a recorded result may be overwritten by without a copy."""

CONVOLUTIONS = {"convolution", "_convolution"}
MATRIX_PRODUCTS = {"addmm", "mm", "bmm", "baddbmm", "mv"}
BATCH_NORMS = {"native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm", "_native_batch_norm_legit",
               "_native_batch_norm_legit_no_training", "_batch_norm_with_update", "_batch_norm_no_update"}  # fmt: skip
NORMS = {"native_layer_norm", "native_group_norm", "_fused_rms_norm"}
ACTIVATIONS = {"gelu", "silu", "mish", "hardswish", "elu", "celu", "selu", "tanh", "sigmoid", "softplus", "hardtanh",
               "hardsigmoid", "clamp", "clamp_max", "log_sigmoid_forward", "softshrink", "hardshrink", "pow", "sqrt",
               "threshold", "clamp_min"}  # fmt: skip
TWO_TERMS = {"add", "sub"}
"""Operators of which only the result is recorded, and terms that are as small as a bias."""

RECORDED = {*TWO_TERMS, *CONVOLUTIONS, *MATRIX_PRODUCTS, *BATCH_NORMS, *NORMS, *ACTIVATIONS}
"""Operators by name: those whose values a rule needs."""

PIECEWISE_LINEAR = {"Relu", "LeakyRelu", "PreluKernel", "Abs", "RreluWithNoise"}
"""Nodes of activations f with f(x) = x f'(x), which relevance passes by the gradient."""

ATTENTIONS = re.compile("_?ScaledDotProduct")
"""Start of the names of fused attention nodes, whose first three inputs are queries, keys and values."""

ARRANGEMENTS = {
    "View", "UnsafeView", "ViewCopy", "Reshape", "ReshapeAlias", "Expand", "Permute", "Transpose", "T", "Mt", "Unsqueeze",
    "Squeeze", "Alias", "Clone", "ToCopy", "Select", "Slice", "Split", "SplitWithSizes", "UnsafeSplit", "Unbind", "Cat",
    "Stack", "Index", "IndexSelect", "Gather", "Take", "AsStrided", "Diagonal", "Flip", "Roll", "Repeat", "Unfold", "Im2Col",
    "PixelShuffle", "PixelUnshuffle", "ChannelShuffle", "NativeChannelShuffle", "ConstantPadNd", "CopyBackwards", "Copy",
    "Contiguous", "MovedimBackward", "Chunk", "Narrow", "Unflatten", "SwapAxes", "TransposeBackward", "RepeatInterleave",
}  # fmt: skip
"""Nodes that only arrange or copy values."""

TRANSPOSITIONS = {"Permute", "Transpose"}
"""Nodes of them that change the order of axes."""

SUMS = {
    "Add", "Sub", "Rsub", "Neg", "Sum", "Mean", "Cumsum", "Col2Im", "AvgPool1D", "AvgPool2D", "AvgPool3D", "AdaptiveAvgPool1D",
    "AdaptiveAvgPool2D", "AdaptiveAvgPool3D", "MkldnnAdaptiveAvgPool2D", "UpsampleNearest1D", "UpsampleNearest2D",
    "UpsampleNearest3D", "UpsampleNearestExact1D", "UpsampleNearestExact2D", "UpsampleNearestExact3D", "UpsampleLinear1D",
    "UpsampleBilinear2D", "UpsampleBilinear2DAa", "UpsampleBicubic2D", "UpsampleBicubic2DAa", "UpsampleTrilinear3D",
    "ReflectionPad1D", "ReflectionPad2D", "ReflectionPad3D", "ReplicationPad1D", "ReplicationPad2D", "ReplicationPad3D",
}  # fmt: skip
"""Nodes of sums with fixed weights, of which each term receives its share of the relevance."""

CHOICES = {
    "MaxPool2DWithIndices", "MaxPool3DWithIndices", "MaxPool2D", "AdaptiveMaxPool2D", "AdaptiveMaxPool3D", "MaxUnpool2D",
    "MaxUnpool3D", "Max", "Min", "Amax", "Amin", "Topk", "Sort", "Maximum", "Minimum", "Fmax", "Fmin", "Where", "MaskedFill",
    "FractionalMaxPool2D",
}  # fmt: skip
"""Nodes of results that are copies of selected values, to which the relevance goes."""

MATRIX_NODES = {"Addmm", "Mm", "Bmm", "Baddbmm"}
PRODUCTS = {"Mul", "Div", *MATRIX_NODES}
"""Nodes of products, the last two inputs of which are the factors."""

OVERWRITING = {"copy_", "fill_", "zero_", "add_", "sub_", "relu_"}
"""Operators that relevance passes by the gradient, if they overwrite a part of a tensor."""

SOFTMAXES = {"Softmax"}

PASS_BY_GRADIENT = {*PIECEWISE_LINEAR, *ARRANGEMENTS, *SUMS, *CHOICES, *SOFTMAXES, "NativeDropout", "FeatureDropout"}
"""Nodes that relevance passes by the gradient: their results are sums or choices of their inputs.

For a softmax, the gradient is the rule of AttnLRP.
"""


def kind_of(node: Node) -> str:
    """Return the name of a node without ``Backward`` and the number behind it."""
    return _kind(node.name())


@lru_cache(maxsize=1024)
def _kind(name: str) -> str:
    return re.sub(r"(Backward)?\d*$", "", name.rpartition("::")[-1]) if "Backward" in name else name


def axis_order(node: Any, rank: int) -> list[int]:
    """Return the order of the axes behind a transposition."""
    if kind_of(node) == "Permute":
        return [_signed(dim) % rank for dim in node._saved_dims]
    first, second = (_signed(dim) % rank for dim in (node._saved_dim0, node._saved_dim1))
    return [{first: second, second: first}.get(dim, dim) for dim in range(rank)]


def _signed(dim: int) -> int:
    """Return a saved axis: Torch returns negative ones as unsigned numbers."""
    return dim - 2**64 if dim >= 2**63 else dim

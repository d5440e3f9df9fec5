"""Kinds of operations, by the names of their autograd nodes, in lower case."""

import re
from functools import cache
from typing import Any

LINEAR = frozenset({
    "accumulategrad", "add", "sub", "rsub", "neg", "sum", "mean", "mv", "mm", "addmm", "bmm", "baddbmm", "addbmm",
    "addmv", "dot", "mul", "convolution", "t", "mt", "transpose", "permute", "view", "unsafeview", "viewcopy", "reshape",
    "reshapealias", "expand", "unsqueeze", "squeeze", "alias", "clone", "tocopy", "copybackwards", "copy", "select",
    "slice", "split", "splitwithsizes", "unsafesplit", "unsafesplitwithsizes", "unbind", "cat", "stack", "asstrided",
    "diagonal", "flip", "roll", "repeat", "unfold", "im2col", "col2im", "pixelshuffle", "pixelunshuffle",
    "channelshuffle", "nativechannelshuffle", "constantpadnd", "reflectionpad1d", "reflectionpad2d", "reflectionpad3d",
    "replicationpad1d", "replicationpad2d", "replicationpad3d", "cumsum", "avgpool1d", "avgpool2d", "avgpool3d",
    "adaptiveavgpool1d", "adaptiveavgpool2d", "adaptiveavgpool3d", "mkldnnadaptiveavgpool2d", "upsamplenearest1d",
    "upsamplenearest2d", "upsamplenearest3d", "upsamplenearestexact1d", "upsamplenearestexact2d",
    "upsamplenearestexact3d", "upsamplelinear1d", "upsamplebilinear2d", "upsamplebicubic2d",
    "upsampletrilinear3d", "tril", "triu", "trace", "nativedropout", "lerp", "real",
})  # fmt: skip
"""Operations that are linear in the values that depend on the input, unless ``CHECKED`` has them as well."""

KINKED = frozenset({
    "relu", "threshold", "hardtanh", "leakyrelu", "clamp", "clampmin", "clampmax", "abs", "hardsigmoid", "hardswish",
    "hardshrink", "softshrink", "elu", "celu", "sgn", "sign", "prelukernel", "rreluwithnoise",
})  # fmt: skip
"""Functions of each number with a kink or a jump."""

SMOOTH = frozenset({
    "gelu", "silu", "mish", "sigmoid", "tanh", "softplus", "logsigmoid", "exp", "exp2", "expm1", "log", "log2", "log10",
    "log1p", "sqrt", "rsqrt", "reciprocal", "pow", "square", "sin", "cos", "atan", "asinh", "erf", "erfc", "sinh", "cosh",
})  # fmt: skip
"""Smooth functions of each number."""

PRODUCTS = frozenset({
    "mul", "mm", "addmm", "bmm", "baddbmm", "addbmm", "mv", "addmv", "dot", "convolution", "lerp",
})  # fmt: skip
"""Operations that are linear in each of their inputs. They are products if several inputs depend on the model's input."""

MAXIMA = frozenset({
    "maxpool2dwithindices", "maxpool3dwithindices", "maxpool2d", "adaptivemaxpool2d", "adaptivemaxpool3d", "max", "amax",
    "maximum", "fmax",
})  # fmt: skip
MINIMA = frozenset({"min", "amin", "minimum", "fmin"})
SOFTMAXES = frozenset({"softmax", "safesoftmax", "logsoftmax", "logsumexp"})
NORMALIZATIONS = frozenset({
    "nativelayernorm", "nativegroupnorm", "fusedrmsnorm", "nativebatchnorm", "cudnnbatchnorm", "miopenbatchnorm",
})  # fmt: skip
SELECTIONS = frozenset({
    "index", "indexselect", "gather", "take", "where", "maskedfill", "indexadd", "indexcopy", "scatter", "scatteradd",
    "maskedselect",
})  # fmt: skip
"""Operations that are linear if they select the same numbers at the input and at the baseline."""

RECORDED = KINKED | SMOOTH | PRODUCTS | MAXIMA | MINIMA | SOFTMAXES | NORMALIZATIONS | SELECTIONS | {"div"}
"""Operations whose values a rule needs."""


def node_kind(node: Any) -> str:
    """Return what an autograd node differentiates: ``nativelayernorm`` for ``NativeLayerNormBackward0``.

    The suffix of antialiased resizing is dropped.
    """
    return re.sub(r"(aa)?backward\d*$", "", node.name().rpartition("::")[-1].lower())


@cache
def operator_kind(func: Any) -> str:
    """Return the same for an operator: ``nativelayernorm`` for ``aten.native_layer_norm.default``."""
    return str(func.overloadpacket.__name__).replace("_", "").removesuffix("forward")

"""Kinds of TensorFlow's operations, for the rules of DeepLIFT and of layer-wise relevance propagation."""

LINEAR = frozenset({
    "Identity", "IdentityN", "ZerosLike", "OnesLike",
    "StopGradient", "Snapshot", "PreventGradient", "CheckNumerics", "EnsureShape", "Reshape",
    "Transpose", "ConjugateTranspose", "ExpandDims", "Squeeze", "Cast", "Conv2D", "Conv3D", "DepthwiseConv2dNative",
    "Conv2DBackpropInput", "Conv3DBackpropInputV2", "BiasAdd", "BiasAddV1", "Add", "AddV2", "AddN", "AccumulateNV2",
    "Sub", "Neg", "Mul", "Div", "RealDiv", "MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum", "Mean",
    "Sum", "AvgPool", "AvgPool3D", "Pad", "PadV2", "MirrorPad", "Concat", "ConcatV2", "Pack", "Unpack", "Slice",
    "StridedSlice", "Split", "SplitV", "Gather", "GatherV2", "GatherNd", "Tile", "BroadcastTo", "ResizeBilinear",
    "ResizeNearestNeighbor", "ResizeBicubic", "ScaleAndTranslate", "SpaceToDepth", "DepthToSpace", "SpaceToBatchND",
    "BatchToSpaceND", "SpaceToBatch", "BatchToSpace", "ReverseV2", "Roll", "Cumsum", "MatrixDiagPartV3", "MatrixDiagV3",
    "ExtractImagePatches", "ExtractVolumePatches", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "Select",
    "SelectV2", "SegmentSum", "ReverseSequence", "InvertPermutation",
})  # fmt: skip
"""Operations that are linear in one of their inputs, if the others do not depend on the model's input."""

KINKED = frozenset({"Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "ClipByValue", "Abs", "Sign"})
"""Functions of each number with a kink."""

SMOOTH = frozenset({
    "Sigmoid", "Tanh", "Softplus", "Softsign", "Erf", "Erfc", "Exp", "Expm1", "Log", "Log1p", "Sqrt", "Rsqrt", "Square",
    "Pow", "Reciprocal", "Inv", "Sin", "Cos", "Atan", "Asinh", "Sinh", "Cosh",
})  # fmt: skip
"""Smooth functions of each number."""

PRODUCTS = frozenset({
    "Mul", "MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum", "Conv2D", "Conv3D",
    "DepthwiseConv2dNative",
})  # fmt: skip
"""Operations that are linear in each of two inputs."""

SUMS = frozenset({
    "Add", "AddV2", "AddN", "AccumulateNV2", "Sub", "Concat", "ConcatV2", "Pack", "IdentityN", "BiasAdd", "Identity",
    "Select", "SelectV2",
})  # fmt: skip
"""Operations that are linear in all of their inputs of numbers together."""

MAXIMA = frozenset({"Max", "Maximum", "MaxPool", "MaxPoolV2", "MaxPool3D"})
MINIMA = frozenset({"Min", "Minimum"})
QUOTIENTS = frozenset({"Div", "RealDiv"})
SOFTMAXES = frozenset({"Softmax", "LogSoftmax"})

"""Read from a Keras model's layers which axis of an input with two axes holds channels."""

from collections.abc import Iterable
from typing import Any

from saliency.core.channel_axis import Evidence

SEQUENCE_LAYERS = {
    "Conv1D", "Conv1DTranspose", "DepthwiseConv1D", "SeparableConv1D", "MaxPooling1D", "AveragePooling1D", "LSTM", "GRU",
    "SimpleRNN", "RNN", "Bidirectional", "Dense", "EinsumDense", "MultiHeadAttention",
}  # fmt: skip
"""Layers that read (length, channels)."""

IMAGE_LAYERS = {"Conv2D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D"}

ELEMENTWISE_LAYERS = {
    "InputLayer", "Rescaling", "Normalization", "BatchNormalization", "LayerNormalization", "Dropout", "SpatialDropout1D",
    "GaussianNoise", "Activation", "ReLU", "Masking", "Identity", "ZeroPadding1D",
}  # fmt: skip
"""Layers that keep the axes of their input."""


def find_channel_axis(layers: Iterable[Any], default: int) -> Evidence:
    """Return the channel axis of an input with two axes, from the first layer that reads its axes.

    Args:
        layers: the model's layers, in the order of their calls.
        default: the channel axis of the layers.
    """
    for layer in layers:
        kind = type(layer).__name__
        if kind in SEQUENCE_LAYERS:
            return default
        if kind not in ELEMENTWISE_LAYERS and not list(getattr(layer, "_flatten_layers", lambda **_: [])(include_self=False)):
            return _evidence_behind(layers, kind)
    return "unknown"


def _evidence_behind(layers: Iterable[Any], kind: str) -> Evidence:
    """Return whether a reshape that appends an axis of one channel proves a gray image."""
    images = [layer for layer in layers if type(layer).__name__ in IMAGE_LAYERS]
    channels = {(getattr(layer, "axes", None) or {}).get(-1) for layer in _specs(images[:1])}
    return None if kind in ("Reshape", "Lambda", "ExpandDims") and channels == {1} else "unknown"


def _specs(layers: Iterable[Any]) -> list[Any]:
    return [layer.input_spec for layer in layers if getattr(layer, "input_spec", None) is not None]

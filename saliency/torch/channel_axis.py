"""Read from a module which axis of its inputs holds channels."""

from collections.abc import Sequence

import torch
from torch import nn

from saliency.core.channel_axis import Evidence
from saliency.core.keras import channel_axis as keras_channel_axis
from saliency.core.keras.layers import channel_axis_of, is_keras, layers_of

CONVOLUTIONS_1D = (nn.Conv1d, nn.ConvTranspose1d)
CONVOLUTIONS_2D = (nn.Conv2d, nn.ConvTranspose2d)


def default_channel_axis(model: torch.nn.Module) -> int:
    """Return the channel axis of one input, without the batch axis: the last one for Keras layers in their usual format."""
    return channel_axis_of(layers_of(model).values()) if is_keras(model) else 0


def find_channel_axis(model: torch.nn.Module, shape: Sequence[int]) -> Evidence:
    """Return the channel axis of an input (channels, length) or (rows, columns), from the model's first convolution.

    A convolution over one axis proves the channels of a signal, a convolution over two axes of one channel a gray image.
    """
    if is_keras(model):
        return keras_channel_axis.find_channel_axis(list(layers_of(model).values()), default_channel_axis(model))
    for module in model.modules():
        if isinstance(module, CONVOLUTIONS_1D):
            return 0 if module.in_channels == shape[0] else "unknown"
        if isinstance(module, CONVOLUTIONS_2D):
            return None if module.in_channels == 1 else "unknown"
    for name, parameter in model.named_parameters():  # of a traced or exported model
        if parameter.ndim in (3, 4) and name.endswith("weight"):
            is_signal = parameter.ndim == 3
            proven = parameter.shape[1] == (shape[0] if is_signal else 1)
            return (0 if is_signal else None) if proven else "unknown"
    return "unknown"

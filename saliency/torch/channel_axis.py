"""Read from a module which axis of an input with two axes holds channels."""

from collections.abc import Sequence

import torch
from torch import nn

from saliency.core.channel_axis import Evidence

CONVOLUTIONS_1D = (nn.Conv1d, nn.ConvTranspose1d)
CONVOLUTIONS_2D = (nn.Conv2d, nn.ConvTranspose2d)


def find_channel_axis(model: torch.nn.Module, shape: Sequence[int]) -> Evidence:
    """Return the channel axis of an input (channels, length) or (rows, columns), from the model's first convolution.

    A convolution over one axis proves the channels of a signal, a convolution over two axes of one channel a gray image.
    """
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

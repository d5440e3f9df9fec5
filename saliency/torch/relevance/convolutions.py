"""Convolutions of a recorded forward pass, as the rules of ``core.lrp_rules`` need them."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch

from saliency.core.numerics.strided_convolution_gradient import phase_gradient_is_faster
from saliency.torch.memory_format import is_large
from saliency.torch.relevance.normalizations import detached, per_channel, scaled_and_shifted
from saliency.torch.relevance.recorder import OperatorRecord
from saliency.torch.relevance.signed_weights import WeightBuffers
from saliency.torch.strided_convolution_gradient import convolution_input_gradient


@dataclass
class Convolution:
    """A convolution, plain or transposed, with any number of groups and spatial axes.

    Args:
        x, y, own_weight, bias: as for ``LinearOperation``.
        geometry: the stride, padding, dilation, whether it is transposed, output padding and groups.
        scale: a factor for each output channel, of the batch norm behind the convolution, (1, channels, 1, ...); or None.
        is_rectified: as for ``LinearOperation``.
        buffers: memory that the convolutions of a pass share.
    """

    x: torch.Tensor
    y: torch.Tensor
    own_weight: torch.Tensor
    bias: torch.Tensor | None
    geometry: tuple[Any, ...]
    scale: torch.Tensor | None = None
    is_rectified: bool = False
    buffers: WeightBuffers = field(default_factory=WeightBuffers)
    xp = torch

    @classmethod
    def of(cls, record: OperatorRecord, buffers: WeightBuffers) -> "Convolution":
        """Return the convolution of a record."""
        x, weight, bias, *geometry = record.args[:9]  # traced models pass further settings
        x, y, weight, bias = x.detach(), record.result.detach(), weight.detach(), detached(bias)
        return cls(x, y, weight, bias, tuple(geometry), buffers=buffers)

    @property
    def takes_scales(self) -> bool:
        """Whether a scale of the output channels is supported."""
        transposed, groups = self.geometry[3], self.geometry[5]
        return not transposed or groups == 1

    @property
    def channel_axis(self) -> int:
        """The axis of the output's channels."""
        return 1

    def with_terms(self, scale: torch.Tensor | None, shift: torch.Tensor, y: torch.Tensor | None) -> "Convolution":
        """Return the convolution followed by a scale and a shift of each output channel, and its result if it is known."""
        if y is None:
            y = scaled_and_shifted(self.y, None if scale is None else per_channel(scale, self.y), per_channel(shift, self.y))
        bias = shift if self.bias is None else scaled_and_shifted(self.bias, scale, shift)
        return replace(self, y=y, bias=bias, scale=None if scale is None else per_channel(scale, y))

    @cached_property
    def weight(self) -> torch.Tensor:
        """The weights, with the scale of the batch norm."""
        scale = self._scale_of_weights
        return self.own_weight if scale is None else self.own_weight * scale

    def weight_by_sign(self, positive: float, negative: float) -> torch.Tensor:
        """Return the weights, the positive ones times one factor and the negative ones times another."""
        return self.buffers.by_sign(self.own_weight, positive, negative, self._scale_of_weights)

    @property
    def _scale_of_weights(self) -> torch.Tensor | None:
        axis = 1 if self.geometry[3] else 0
        shape = [-1 if i == axis else 1 for i in range(self.own_weight.ndim)]
        return None if self.scale is None else self.scale.reshape(shape)

    @cached_property
    def is_nonnegative(self) -> bool:
        """Whether all values of the input are at least 0."""
        return bool(self.x.min() >= 0)

    def apply(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        """Return the output for another input, other weights and another bias."""
        output: torch.Tensor = torch.ops.aten.convolution(x, weight, bias, *self.geometry)
        return output

    def transpose(self, multipliers: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
        """Return the transposed convolution of multipliers."""
        if weight is None:
            weight = self.own_weight
            multipliers = multipliers if self.scale is None else multipliers * self.scale
        if self._phases_are_faster:
            stride, padding = ((values[0], values[-1]) for values in self.geometry[:2])
            return convolution_input_gradient(multipliers, weight, stride, padding, (self.x.shape[2], self.x.shape[3]))
        backward = torch.ops.aten.convolution_backward
        gradient: torch.Tensor = backward(multipliers, self.x, weight, None, *self.geometry, [True, False, False])[0]
        return gradient

    @cached_property
    def _phases_are_faster(self) -> bool:
        (stride, _, dilation, transposed, _, groups), shape = self.geometry, self.own_weight.shape
        if self.x.device.type != "cpu" or self.own_weight.ndim != 4 or transposed or groups != 1 or set(dilation) != {1}:
            return False
        return is_large(self.x) and phase_gradient_is_faster(shape[1], shape[2:], tuple(stride))

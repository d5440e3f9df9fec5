"""Linear operations of a recorded forward pass, as the rules of ``core.lrp_rules`` need them."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import torch

from saliency.core.numerics.strided_convolution_gradient import phase_gradient_is_faster
from saliency.torch.memory_format import is_large
from saliency.torch.relevance.normalizations import per_channel
from saliency.torch.relevance.recorder import OperatorRecord
from saliency.torch.strided_convolution_gradient import convolution_input_gradient


@dataclass
class Convolution:
    """A convolution, plain or transposed, with any number of groups and spatial axes.

    Args:
        x, y, own_weight, bias: as for ``LinearOperation``.
        geometry: the stride, padding, dilation, whether it is transposed, output padding and groups.
        scale: a factor for each output channel, of the batch norm behind the convolution, (1, channels, 1, ...); or None.
        is_rectified: as for ``LinearOperation``.
    """

    x: torch.Tensor
    y: torch.Tensor
    own_weight: torch.Tensor
    bias: torch.Tensor | None
    geometry: tuple[Any, ...]
    scale: torch.Tensor | None = None
    is_rectified: bool = False
    xp = torch

    @classmethod
    def of(cls, record: OperatorRecord) -> "Convolution":
        """Return the convolution of a record."""
        x, weight, bias, *geometry = record.args[:9]  # traced models pass further settings
        return cls(x.detach(), record.result.detach(), weight.detach(), detached(bias), tuple(geometry))

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
            y = _with_terms(self.y, None if scale is None else per_channel(scale, self.y), per_channel(shift, self.y))
        bias = shift if self.bias is None else _with_terms(self.bias, scale, shift)
        return replace(self, y=y, bias=bias, scale=None if scale is None else per_channel(scale, y))

    @cached_property
    def weight(self) -> torch.Tensor:
        """The weights, with the scale of the batch norm."""
        if self.scale is None:
            return self.own_weight
        axis = 1 if self.geometry[3] else 0
        return self.own_weight * self.scale.reshape([-1 if i == axis else 1 for i in range(self.own_weight.ndim)])

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

    @property
    def _phases_are_faster(self) -> bool:
        (stride, _, dilation, transposed, _, groups), shape = self.geometry, self.own_weight.shape
        if self.x.device.type != "cpu" or self.own_weight.ndim != 4 or transposed or groups != 1 or set(dilation) != {1}:
            return False
        return is_large(self.x) and phase_gradient_is_faster(shape[1], shape[2:], tuple(stride))


@dataclass
class MatrixProduct:
    """A product of a variable and a constant matrix, or of batches of them: ``x @ weight + bias`` or ``weight @ x + bias``.

    Args:
        x, y, weight, bias: as for ``LinearOperation``.
        weight_first: whether the weights are the left factor.
        is_rectified: as for ``LinearOperation``.
    """

    x: torch.Tensor
    y: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor | None = None
    weight_first: bool = False
    is_rectified: bool = False
    takes_scales = True
    xp = torch

    @classmethod
    def of(cls, record: OperatorRecord, weight_first: bool) -> "MatrixProduct":
        """Return the product of a record; ``weight_first`` if its left factor is constant."""
        args, bias, y = record.args, None, record.result.detach()
        if record.name in ("addmm", "baddbmm"):
            beta, alpha = (record.kwargs.get(name, 1) for name in ("beta", "alpha"))
            bias, args = args[0].detach() * beta, [args[1] * alpha if weight_first else args[1], args[2]]
            args = args if weight_first or alpha == 1 else [args[0], args[1] * alpha]
        left, right = args[0].detach(), args[1].detach()
        if record.name == "mv":
            right, y = right[:, None], y[:, None]
        return cls(right, y, left, bias, True) if weight_first else cls(left, y, right, bias)

    @property
    def channel_axis(self) -> int | None:
        """The axis of the output's channels; None if a channel's weights are not the last axis of the weights."""
        return None if self.weight_first else self.y.ndim - 1

    def with_terms(self, scale: torch.Tensor | None, shift: torch.Tensor, y: torch.Tensor | None) -> "MatrixProduct":
        """Return the product followed by a scale and a shift of each output channel, and its result if it is known."""
        y = _with_terms(self.y, scale, shift) if y is None else y
        bias = shift if self.bias is None else _with_terms(self.bias, scale, shift)
        return MatrixProduct(self.x, y, self.weight if scale is None else self.weight * scale, bias)

    @cached_property
    def is_nonnegative(self) -> bool:
        """Whether all values of the input are at least 0."""
        return bool(self.x.min() >= 0)

    def apply(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        """Return the product for another input, other weights and another bias."""
        product = weight @ x if self.weight_first else x @ weight
        return product if bias is None else product + bias

    def transpose(self, multipliers: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
        """Return the product of multipliers and the transposed weights."""
        weight = (self.weight if weight is None else weight).mT
        return weight @ multipliers if self.weight_first else multipliers @ weight


Linear: TypeAlias = Convolution | MatrixProduct


def _with_terms(values: torch.Tensor, scale: torch.Tensor | None, shift: torch.Tensor) -> torch.Tensor:
    return values + shift if scale is None else values * scale + shift


def detached(tensor: torch.Tensor | None) -> torch.Tensor | None:
    """Return a tensor without its graph, or None."""
    return None if tensor is None else tensor.detach()

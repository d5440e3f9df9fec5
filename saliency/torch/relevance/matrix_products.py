"""Matrix products of a recorded forward pass, as the rules of ``core.lrp_rules`` need them."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch

from saliency.core.linear_operation import by_sign
from saliency.torch.relevance.normalizations import scaled_and_shifted
from saliency.torch.relevance.recorder import OperatorRecord


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
    def channel_axis(self) -> int:
        """The axis of the output's channels."""
        return self.y.ndim - (2 if self.weight_first else 1)

    def with_terms(self, scale: torch.Tensor | None, shift: torch.Tensor, y: torch.Tensor | None) -> "MatrixProduct":
        """Return the product followed by a scale and a shift of each output channel, and its result if it is known."""
        if self.weight_first:  # the channels are the rows
            scale, shift = None if scale is None else scale[:, None], shift[:, None]
        y = scaled_and_shifted(self.y, scale, shift) if y is None else y.reshape(self.y.shape)  # of a product with a vector
        bias = shift if self.bias is None else scaled_and_shifted(self.bias, scale, shift)
        return replace(self, y=y, weight=self.weight if scale is None else self.weight * scale, bias=bias)

    def weight_by_sign(self, positive: float, negative: float) -> torch.Tensor:
        """Return the weights, the positive ones times one factor and the negative ones times another."""
        weight: torch.Tensor = by_sign(torch, self.weight, positive, negative)
        return weight

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

"""Scale the positive and the negative weights of an operation by factors of their own."""

import torch


class WeightBuffers:
    """Memory for the weights of one operation after the other, because new memory takes longer than the arithmetic.

    Each pair of factors has memory of its own, so that an operation can have several at once.
    """

    def __init__(self) -> None:
        self._buffers: dict[tuple[float, float, torch.dtype, torch.device], torch.Tensor] = {}

    def by_sign(self, weight: torch.Tensor, positive: float, negative: float, scale: torch.Tensor | None) -> torch.Tensor:
        """Return weights, the positive ones times one factor and the negative ones times another.

        Args:
            weight: the weights.
            positive, negative: the factors, at least 0 and not both 0.
            scale: multiplies the weights before; it broadcasts to them. None for 1.
        """
        out = self._like(weight, positive, negative)
        factor = positive or negative
        if scale is not None:
            weight = torch.mul(weight, scale if factor == 1 else scale * factor, out=out)
        elif factor != 1:
            weight = torch.mul(weight, factor, out=out)
        if negative == 0:
            return torch.clamp(weight, min=0, out=out)
        if positive == 0:
            return torch.clamp(weight, max=0, out=out)
        scaled: torch.Tensor = torch.ops.aten.leaky_relu.out(weight, negative / positive, out=out)
        return scaled

    def _like(self, weight: torch.Tensor, positive: float, negative: float) -> torch.Tensor:
        """Return the memory of a pair of factors, in the shape and the memory format of weights."""
        key = (positive, negative, weight.dtype, weight.device)
        buffer = self._buffers.get(key)
        if buffer is None or buffer.numel() < weight.numel():
            buffer = self._buffers[key] = weight.new_empty(weight.numel())
        return buffer.as_strided(weight.shape, torch.empty_like(weight, device="meta").stride())

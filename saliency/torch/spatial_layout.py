"""A layer's output on the input's spatial axes, wherever the layer has them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from saliency.core.numerics.resampling import has_same_aspect, spatial_axes, token_grid


@dataclass(frozen=True)
class Grid:
    """Tells where the outputs of a model's layers have the input's spatial axes.

    Args:
        space: the lengths of these axes of the input.
        last: whether the input has its channels behind them.
    """

    space: tuple[int, ...]
    last: bool

    @classmethod
    def of_input(cls, shape: Sequence[int], channel_axis: int | None) -> "Grid":
        """Read the axes off the shape of N inputs, (N, *input)."""
        axes = spatial_axes(channel_axis, len(shape))
        return cls(tuple(int(shape[axis]) for axis in axes), axes[-1] < len(shape) - 1)

    def of(self, output: torch.Tensor, samples: int) -> torch.Tensor | None:
        """Return a layer's output as (N, channels, *space), a view.

        Args:
            output: (N, channels, *space), (N, *space, channels), or a vision transformer's tokens (N, tokens, channels).
            samples: their number N.

        Returns:
            None if it has no spatial axes, a single position on them, or another number of samples.
        """
        if output.ndim == 0 or output.shape[0] != samples:
            return None
        if self.takes_for_tokens(output.shape):
            return _tokens_to_grid(output, *self.space)
        if output.ndim != len(self.space) + 2:
            return None
        if self._channels_last(tuple(output.shape[1:])):
            output = output.movedim(-1, 1)
        return output if output.shape[2:].numel() > 1 else None

    def takes_for_tokens(self, shape: Sequence[int]) -> bool:
        """Tell whether an output of a shape is read as tokens (N, tokens, channels), those of a picture."""
        return len(shape) == 3 and len(self.space) == 2

    def _channels_last(self, shape: tuple[int, ...]) -> bool:
        """Tell by the proportions whether a layer's output, but for its batch axis, is (*space, channels)."""
        if len(self.space) == 1:  # no proportions: only a sequence of the input's own length is sure to be one
            return self.last and shape[0] == self.space[0] != shape[1]
        first, last = _distortion(shape[1:], self.space), _distortion(shape[:-1], self.space)
        return last * (1 if has_same_aspect(shape[:-1], self.space) else 2) < first  # a network may shorten its axes unevenly


def _tokens_to_grid(tokens: torch.Tensor, height: int, width: int) -> torch.Tensor | None:
    found = token_grid(tokens.shape[1], height, width)
    if found is None:
        return None
    extra, rows, columns = found
    return tokens[:, extra:].reshape(len(tokens), rows, columns, -1).movedim(-1, 1)


def _distortion(space: Sequence[int], of: Sequence[int]) -> float:
    """Return how much more one of the input's axes was shortened than another, as a factor; 1 for the same proportions."""
    scales = [a / b for a, b in zip(space, of, strict=True)]
    return max(scales) / min(scales) if min(scales) else float("inf")

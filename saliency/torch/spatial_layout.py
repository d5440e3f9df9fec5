"""Locate the input's spatial axes in the outputs of layers."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from saliency.core.numerics.resampling import has_same_aspect, spatial_axes, token_grid


@dataclass(frozen=True)
class SpatialLayout:
    """The spatial axes of a model's input, which identify those of its layers' outputs.

    Args:
        space: lengths of the input's spatial axes.
        channels_last: whether the input's channels follow its spatial axes.
    """

    space: tuple[int, ...]
    channels_last: bool

    @classmethod
    def from_input(cls, shape: Sequence[int], channel_axis: int | None) -> "SpatialLayout":
        """Read the axes from the shape of N inputs, (N, *input)."""
        axes = spatial_axes(channel_axis, len(shape))
        return cls(tuple(int(shape[axis]) for axis in axes), axes[-1] < len(shape) - 1)

    def arrange(self, output: torch.Tensor, samples: int) -> torch.Tensor | None:
        """Return a layer's output as (N, channels, *space), a view.

        Args:
            output: (N, channels, *space), (N, *space, channels), or a vision transformer's tokens (N, tokens, channels).
            samples: their number N.

        Returns:
            None if the output has no spatial axes, only one position on them, or another number of samples.
        """
        if output.ndim == 0 or output.shape[0] != samples:
            return None
        if self.is_token_shape(output.shape):
            return _tokens_to_image(output, *self.space)
        if output.ndim != len(self.space) + 2:
            return None
        if self._has_channels_last(tuple(output.shape[1:])):
            output = output.movedim(-1, 1)
        return output if output.shape[2:].numel() > 1 else None

    def is_token_shape(self, shape: Sequence[int]) -> bool:
        """Return whether an output of this shape is read as the tokens (N, tokens, channels) of an image."""
        return len(shape) == 3 and len(self.space) == 2

    def _has_channels_last(self, shape: tuple[int, ...]) -> bool:
        """Decide by the aspect ratio whether one sample of a layer's output is (*space, channels)."""
        if len(self.space) == 1:  # no aspect ratio: only a sequence of the input's own length is certain
            return self.channels_last and shape[0] == self.space[0] != shape[1]
        first, last = _distortion(shape[1:], self.space), _distortion(shape[:-1], self.space)
        return last * (1 if has_same_aspect(shape[:-1], self.space) else 2) < first  # a network may shorten its axes unevenly


def _tokens_to_image(tokens: torch.Tensor, height: int, width: int) -> torch.Tensor | None:
    grid = token_grid(tokens.shape[1], height, width)
    if grid is None:
        return None
    extra, rows, columns = grid
    return tokens[:, extra:].reshape(len(tokens), rows, columns, -1).movedim(-1, 1)


def _distortion(space: Sequence[int], input_space: Sequence[int]) -> float:
    """Return the ratio of the largest to the smallest scale factor of the axes; 1 means the input's aspect ratio."""
    scales = [a / b for a, b in zip(space, input_space, strict=True)]
    return max(scales) / min(scales) if min(scales) else float("inf")

"""A layer's output on the input's spatial axes, wherever the layer has them."""

from collections.abc import Sequence

import torch

MOST_EXTRA_TOKENS = 16
"""Class, distillation and register tokens that may stand in front of a vision transformer's grid."""


def grid_of(output: torch.Tensor, shape: Sequence[int]) -> torch.Tensor | None:
    """Return a layer's output as (N, channels, *space), a view.

    Args:
        output: (N, channels, *space), (N, *space, channels), or a vision transformer's tokens (N, tokens, channels).
        shape: of the input, (N, channels, *space).

    Returns:
        None if it has no spatial axes, or a single position on them.
    """
    space = tuple(shape[2:])
    if output.ndim == 3 and len(space) == 2:
        return _tokens_to_grid(output, *space)
    if not space or output.ndim != len(shape) or output.shape[2:].numel() == 1:
        return None
    if not _alike(output.shape[2:], space) and _alike(output.shape[1:-1], space):
        output = output.movedim(-1, 1)
    return output if output.shape[2:].numel() > 1 else None


def _tokens_to_grid(tokens: torch.Tensor, height: int, width: int) -> torch.Tensor | None:
    for extra in range(min(MOST_EXTRA_TOKENS, tokens.shape[1] - 1)):
        grid = tokens[:, extra:]
        rows = round((grid.shape[1] * height / width) ** 0.5)
        columns = grid.shape[1] // max(1, rows)
        if rows * columns == grid.shape[1] > 1 and rows * width == columns * height:
            return grid.reshape(len(grid), rows, columns, -1).movedim(-1, 1)
    return None


def _alike(space: Sequence[int], of: Sequence[int]) -> bool:
    """Tell whether axes are in the proportions of the input's, give or take a position of rounding."""
    return all(abs(a * of[0] - space[0] * b) <= 2 * max(a, space[0], b, of[0]) for a, b in zip(space, of, strict=True))

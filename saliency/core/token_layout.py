"""How the weights of attention are arranged, as proven by the positions of their queries and keys."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saliency.core.attention import NotSelfAttention, TokenGrid, no_grid, unusable_attention
from saliency.core.errors import ModelError
from saliency.core.grid_reading import Centers
from saliency.core.position_grid import find_grid
from saliency.core.user_grid import UserGrid

Places = tuple[npt.NDArray[np.float64], ...]
"""The center of each token on each spatial axis of the input, -1 for a token without a position."""


@dataclass(frozen=True)
class AttentionPositions:
    """Where the queries and keys of attention weights lie in the input.

    Args:
        shape: of the weights.
        key_dim: the dimension of the keys, over which the weights sum to 1.
        queries: the queries' centers on each spatial axis of the input; None if none has a position there.
        keys: the same of the keys.
        samples: the places among the samples.
    """

    shape: tuple[int, ...]
    key_dim: int
    queries: Sequence[Centers | None]
    keys: Sequence[Centers | None]
    samples: Centers | None


@dataclass(frozen=True, eq=False)
class TokenLayout:
    """The dimensions of attention weights.

    Args:
        tokens: number of tokens.
        query_dim, key_dim: the dimensions of the queries and of the keys.
        sample_dim: the dimension of the samples, which may hold the heads of each as well; None for a single sample.
        heads_first: whether that dimension holds all samples of the first head, then those of the next.
        places: of the tokens; empty if they are not known.
    """

    tokens: int
    query_dim: int
    key_dim: int
    sample_dim: int | None = None
    heads_first: bool = False
    places: Places = ()

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Return whether weights of a shape may have this layout."""
        is_long = len(shape) > max(self.query_dim, self.key_dim)
        return is_long and shape[self.query_dim] == shape[self.key_dim] == self.tokens

    def head_dims(self, rank: int) -> list[int]:
        """Return the dimensions of heads alone."""
        return [dim for dim in range(rank) if dim not in (self.query_dim, self.key_dim, self.sample_dim)]


def read_layout(positions: AttentionPositions, count: int) -> TokenLayout:
    """Return the layout of attention among the tokens of each of ``count`` samples.

    Raises:
        NotSelfAttention: if the queries are not the keys, or attend to a part of them only.
    """
    query_dims, key_dims = _varying(positions.queries), _varying(positions.keys)
    if not query_dims or not key_dims:
        raise NotSelfAttention("it attends to or from tokens that hold no part of the input (cross-attention or pooling)")
    key_dim, shape = positions.key_dim, positions.shape
    if len(query_dims) != 1 or key_dims != [key_dim] or query_dims == key_dims:
        raise NotSelfAttention("its queries attend to a window or another part of the tokens only")
    (query_dim,) = query_dims
    if shape[query_dim] != shape[key_dim]:
        raise NotSelfAttention(f"{shape[query_dim]} queries attend to {shape[key_dim]} keys")
    places = _places(positions.queries, shape, query_dim)
    if not _are_equal(places, _places(positions.keys, shape, key_dim)):
        raise NotSelfAttention("its queries and keys lie at different positions of the input")
    if count == 1:
        return TokenLayout(shape[key_dim], query_dim, key_dim, places=places)
    dim, heads_first = _sample_dim(positions.samples, shape, count, (query_dim, key_dim))
    return TokenLayout(shape[key_dim], query_dim, key_dim, dim, heads_first, places)


def stated_layout(shape: Sequence[int], stated: UserGrid | None, count: int) -> TokenLayout | None:
    """Return the layout of weights (..., queries, keys) whose tokens form the grid that the user states; None otherwise."""
    if stated is None or count > 1 or len(shape) < 2 or shape[-1] != shape[-2]:
        return None
    fits = stated.place((1, shape[-1], 2), 1) is not None
    return TokenLayout(int(shape[-1]), len(shape) - 2, len(shape) - 1) if fits else None


def token_grid(layouts: Sequence[TokenLayout], stated: UserGrid | None) -> TokenGrid:
    """Return the grid of the tokens, which must be the same in all layers.

    Raises:
        ModelError: if they are not, or if they form no grid.
    """
    first = layouts[0]
    if any(one.tokens != first.tokens or not _are_equal(one.places, first.places) for one in layouts):
        sizes = ", ".join(map(str, dict.fromkeys(one.tokens for one in layouts)))
        raise unusable_attention([f"its layers have different tokens ({sizes})"])
    if stated is not None:
        place = stated.place((1, first.tokens, 2), 1)
        if place is None:
            raise ModelError(
                f"`grid` (={stated.grid}) with `tokens` (={stated.tokens!r}) must select {math.prod(stated.grid)} of the "
                f"model's {first.tokens} tokens"
            )
        return TokenGrid(first.tokens, place.order, place.space)
    inside = np.flatnonzero(np.any([one >= 0 for one in first.places], axis=0))
    grid = find_grid([one[inside] for one in first.places]) if len(inside) else None
    if grid is None:
        raise no_grid(first.tokens, len(inside))
    return TokenGrid(first.tokens, tuple(inside[list(grid[1])].tolist()), grid[0])


def _varying(centers: Sequence[Centers | None]) -> list[int]:
    return sorted({dim for one in centers if one is not None for dim in one.varying})


def _places(centers: Sequence[Centers | None], shape: tuple[int, ...], dim: int) -> Places:
    return tuple([np.full(shape[dim], -1.0) if one is None else one.on([dim], shape) for one in centers])


def _are_equal(first: Places, second: Places) -> bool:
    return len(first) == len(second) and all(map(np.array_equal, first, second))


def _sample_dim(samples: Centers | None, shape: tuple[int, ...], count: int, tokens: tuple[int, int]) -> tuple[int, bool]:
    """Return the dimension of the samples, and whether it holds the heads first."""
    dims = [] if samples is None else [dim for dim in samples.varying if dim not in tokens]
    if samples is not None and len(dims) == 1 and shape[dims[0]] % count == 0:
        others = tuple(dim for dim in range(len(shape)) if dim != dims[0])
        line, heads = samples.values.max(axis=others), shape[dims[0]] // count
        for heads_first in (False, True):
            table = line.reshape(heads, count).T if heads_first else line.reshape(count, heads)
            if (table == table[:, :1]).all() and (np.diff(table[:, 0]) > 0).all():
                return dims[0], heads_first
    raise NotSelfAttention("the samples of a batch are not told apart in its weights. Pass batch_size=1")

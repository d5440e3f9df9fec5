"""Fill values from a limited amount, those with the smallest costs first."""

from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.numerics.kth_smallest import KthSmallest
from saliency.core.types import Array


def fill_smallest_first(adapter: Any, costs: Array, room: Array, amount: Array, group: int) -> Array:
    """Distribute an amount over the D values of each of N rows, by groups of the smallest costs.

    The values of a group get the same share of their room: all of it, or what is left of the amount. Values without room
    belong to no group. Equal costs belong to the same group.

    Args:
        adapter: the adapter of the arrays.
        costs: (N, D), 0 or more and finite.
        room: what a value can get, (N, D), 0 or more.
        amount: what the values of a row get together, (N, 1).
        group: number of values of a group.

    Returns:
        The share of each value's room that stays empty, from 0 to 1, (N, D).
    """
    xp, ones = adapter.xp, adapter.xp.ones_like(room)
    zeros, done = 0.0 * ones, (2 * xp.amax(costs, axis=1, keepdims=True) + 1) * ones  # above every cost, and finite
    costs, empty = xp.where(room > 0, costs, done), ones
    for _ in range(-(-int(room.shape[1]) // group)):
        threshold = adapter.kth_smallest(costs, group)
        chosen = costs <= xp.where(threshold < done[:, :1], threshold, done[:, :1] / 2)
        reached = xp.sum(xp.where(chosen, room, zeros), axis=1, keepdims=True)
        share = xp.clip(amount / xp.where(reached > 0, reached, 1 + 0 * reached), 0.0, 1.0)
        empty, costs = xp.where(chosen, (1 - share) * ones, empty), xp.where(chosen, done, costs)
        amount = amount - share * reached
    return empty


def fill_smallest_first_on_host(
    costs: npt.NDArray[Any], room: npt.NDArray[Any], amount: npt.NDArray[Any], group: int
) -> npt.NDArray[Any]:
    """Compute ``fill_smallest_first`` of arrays in host memory, a row at a time and only until the amount is used up."""
    empty = np.ones_like(room)
    for left, row, costs_of_row, room_of_row in zip(amount[:, 0].tolist(), empty, costs, room, strict=True):
        _fill_row(left, row, costs_of_row, room_of_row, group)
    return empty


def _fill_row(amount: float, empty: npt.NDArray[Any], costs: npt.NDArray[Any], room: npt.NDArray[Any], group: int) -> None:
    """Write the shares (D,) of one row into ``empty``, which holds ones."""
    has_room = room > 0
    members, filled = int(np.count_nonzero(has_room)), 0
    costs = costs if members == len(room) else np.where(has_room, costs, np.inf)
    kth_smallest, previous = KthSmallest(costs), -1.0
    while amount > 0 and filled < members:
        threshold = min(kth_smallest(min(filled + group, members)), np.finfo(costs.dtype).max)
        chosen = ((costs > previous) & (costs <= threshold)).astype(room.dtype)  # faster than indexing by booleans
        reached = float(room @ chosen)
        if not reached:
            return
        chosen *= min(amount / reached, 1.0)
        empty -= chosen
        amount, previous, filled = amount - reached, threshold, int(np.count_nonzero(costs <= threshold))

"""Estimate the work that patches save, from shapes alone, so that the same call always makes the same choice."""

from __future__ import annotations

from dataclasses import dataclass

from saliency.core.incremental.box_batch import BoxBatch

ELEMENT_COST = 32
"""Time to read and write a number, in multiplications; on two processors, VGG-16 ran at 30 to 60 of them per nanosecond."""

MAX_AREA_FRACTION = 0.7
"""Largest fraction of a map that a box may cover; beyond it, copying costs as much as it saves."""


@dataclass
class ForwardCost:
    """Work of a forward pass, in multiplications per sample.

    Args:
        full: work on full maps.
        saved: the part of it that patches save.
    """

    full: float = 0.0
    saved: float = 0.0

    def add_patch(self, channels: int, boxes: BoxBatch, work: float) -> None:
        """Add an operator on patches that takes ``work`` multiplications for a number of its output."""
        patch_cost, map_cost = (channels * one[0] * one[1] * (work + ELEMENT_COST) for one in (boxes.size, boxes.map_size))
        self.full += map_cost
        self.saved += map_cost - patch_cost

    def add_full(self, numbers: float, work: float) -> None:
        """Add an operator on full maps that takes ``work`` multiplications for each number of its output."""
        self.full += numbers * (work + ELEMENT_COST)

    def add_call(self, overhead: float, copied: float = 0.0) -> None:
        """Add the overhead of a call, in multiplications per sample, and of the numbers that it copies per sample."""
        self.saved -= overhead + ELEMENT_COST * copied

    @property
    def saved_fraction(self) -> float:
        """Return the fraction of the work on full maps that patches save."""
        return self.saved / self.full if self.full else 0.0

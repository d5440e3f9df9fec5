"""A map of which only boxes differ from a clean one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from saliency.torch.incremental.boxes import Boxes


@dataclass(frozen=True)
class Patch:
    """Maps, each a clean one but for a box.

    Args:
        clean: the inputs' own maps, (N, channels, rows, columns).
        rows: which of them each is, (maps,).
        boxes: where they differ.
        values: what stands there, (maps, channels, *boxes.size).
    """

    clean: torch.Tensor
    rows: torch.Tensor
    boxes: Boxes
    values: torch.Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the maps that this stands for, (maps, channels, rows, columns)."""
        return (len(self.values), self.values.shape[1], *self.boxes.space)

    def within(self, boxes: Boxes) -> torch.Tensor:
        """Return what stands in larger boxes, (maps, channels, *boxes.size)."""
        if boxes.same(self.boxes):
            return self.values
        return pasted(cut(self.clean, self.rows, boxes), boxes, self.values, self.boxes)

    def dense(self) -> torch.Tensor:
        """Return the maps themselves, as lie in memory what a model makes of its input."""
        maps = self.clean.contiguous()[self.rows]
        return pasted(maps, self.boxes.whole, self.values, self.boxes)


def cut(maps: torch.Tensor, rows: torch.Tensor, boxes: Boxes) -> torch.Tensor:
    """Return what stands in boxes of maps (N, channels, rows, columns): (boxes, channels, *size), channels last in memory."""
    places = torch.from_numpy(boxes.starts).to(maps.device)
    views = maps.unfold(2, boxes.size[0], 1).unfold(3, boxes.size[1], 1)  # (N, channels, places, places, *size)
    return views[rows, :, places[:, 0], places[:, 1]]


def pasted(onto: torch.Tensor, where: Boxes, values: torch.Tensor, boxes: Boxes) -> torch.Tensor:
    """Put values that stand in boxes where they belong on others, as far as they lie on them; in place.

    Args:
        onto: (maps, channels, *where.size).
        where: its boxes.
        values: (maps, channels, *boxes.size).
        boxes: their boxes, of the same maps.
    """
    offsets = boxes.starts - where.starts  # (maps, 2)
    first = np.maximum(offsets, 0)
    last = np.minimum(offsets + np.array(boxes.size), np.array(where.size))
    if (offsets == offsets[0]).all():
        (top, left), (bottom, right), (down, across) = first[0].tolist(), last[0].tolist(), (first - offsets)[0].tolist()
        if bottom > top and right > left:
            onto[:, :, top:bottom, left:right] = values[:, :, down : down + bottom - top, across : across + right - left]
        return onto
    for i, ((top, left), (bottom, right), (down, across)) in enumerate(
        zip(first.tolist(), last.tolist(), (first - offsets).tolist(), strict=True)
    ):
        if bottom > top and right > left:
            onto[i, :, top:bottom, left:right] = values[i, :, down : down + bottom - top, across : across + right - left]
    return onto

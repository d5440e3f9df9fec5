"""Feature maps that differ from clean ones only in boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from saliency.core.incremental.box_batch import BoxBatch


@dataclass(frozen=True)
class Patch:
    """Feature maps of occluded inputs, each given by a clean map and the values in one box.

    Args:
        clean: the maps of the clean inputs, (N, channels, rows, columns).
        indices: the index of the clean input of each map, (maps,).
        boxes: where the maps differ from the clean ones.
        values: the values in these boxes, (maps, channels, *boxes.size).
    """

    clean: torch.Tensor
    indices: torch.Tensor
    boxes: BoxBatch
    values: torch.Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the full maps, (maps, channels, rows, columns)."""
        return (len(self.values), self.values.shape[1], *self.boxes.map_size)

    def values_in(self, boxes: BoxBatch) -> torch.Tensor:
        """Return the values in larger boxes, (maps, channels, *boxes.size)."""
        if boxes.equals(self.boxes):
            return self.values
        return paste(self.values, self.boxes, gather(self.clean, self.indices, boxes), boxes)

    def full_maps(self) -> torch.Tensor:
        """Return the full maps, contiguous in memory as the model's operators would return them for its input."""
        maps = self.clean.contiguous()[self.indices]
        return paste(self.values, self.boxes, maps, self.boxes.full_maps)


def gather(maps: torch.Tensor, indices: torch.Tensor, boxes: BoxBatch) -> torch.Tensor:
    """Return the values in boxes of maps (N, channels, rows, columns): (boxes, channels, *size), channels last in memory."""
    starts = torch.from_numpy(boxes.starts).to(maps.device)
    views = maps.unfold(2, boxes.size[0], 1).unfold(3, boxes.size[1], 1)  # (N, channels, starts, starts, *size)
    return views[indices, :, starts[:, 0], starts[:, 1]]


def paste(values: torch.Tensor, boxes: BoxBatch, target: torch.Tensor, target_boxes: BoxBatch) -> torch.Tensor:
    """Copy the values of boxes into those of other boxes of the same maps where they overlap, in place; return the target.

    Args:
        values: (maps, channels, *boxes.size).
        boxes: positions of the values.
        target: (maps, channels, *target_boxes.size).
        target_boxes: positions of the target's values.
    """
    offsets = boxes.starts - target_boxes.starts  # (maps, 2)
    first = np.maximum(offsets, 0)
    last = np.minimum(offsets + np.array(boxes.size), np.array(target_boxes.size))
    if (offsets == offsets[0]).all():
        (top, left), (bottom, right), (down, across) = first[0].tolist(), last[0].tolist(), (first - offsets)[0].tolist()
        if bottom > top and right > left:
            target[:, :, top:bottom, left:right] = values[:, :, down : down + bottom - top, across : across + right - left]
        return target
    for i, ((top, left), (bottom, right), (down, across)) in enumerate(
        zip(first.tolist(), last.tolist(), (first - offsets).tolist(), strict=True)
    ):
        if bottom > top and right > left:
            target[i, :, top:bottom, left:right] = values[i, :, down : down + bottom - top, across : across + right - left]
    return target

"""Feature maps of occluded inputs that differ from clean ones only in boxes, as tensors of a graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from saliency.core.incremental.box_batch import BoxBatch
from saliency.tf.incremental.box_indices import assembly_indices, box_indices
from saliency.tf.incremental.clean_maps import CleanMaps


@dataclass(frozen=True)
class Samples:
    """The occluded inputs of a batch, one window each.

    Args:
        rows: index of the clean input of each sample, (samples,).
        corners: first row and column of the window of each sample, (samples, 2).
    """

    rows: Any
    corners: Any


@dataclass(frozen=True)
class Patch:
    """Feature maps of a batch, each given by a clean map and the values in one box.

    Args:
        clean: the maps of the clean inputs, a tensor of the model's graph, (N, rows, columns, channels) or channels first.
        values: the values in the boxes, (samples, *boxes.size, channels).
        boxes: the boxes for every possible first row and column of a window, (corners, 2).
        channels_first: whether the model's tensor has the channels on axis 1.
    """

    clean: Any
    values: Any
    boxes: BoxBatch
    channels_first: bool

    @property
    def channels(self) -> int:
        """Return the number of channels."""
        return int(self.values.shape[3])


@dataclass(frozen=True)
class PatchAssembly:
    """Assembles the values of boxes from patches and the clean maps around them.

    Args:
        samples: the batch.
        clean_maps: tensors of the clean inputs.
    """

    samples: Samples
    clean_maps: CleanMaps

    def window(self, clean: Any, cover: Any, boxes: BoxBatch, channels_first: bool) -> Patch:
        """Return the patch of the occluded inputs, with the content of windows ``cover``, (N, rows, columns, channels)."""
        samples = self.samples
        values = tf.gather(_as_rows(cover), box_indices(boxes, samples.rows, samples.corners))
        return Patch(clean, tf.ensure_shape(values, [None, *boxes.size, cover.shape[3]]), boxes, channels_first)

    def clean_rows(self, patch: Patch, padding: tuple[tuple[int, int], ...] = ((0, 0), (0, 0)), fill: float = 0.0) -> Any:
        """Return the values of the clean maps with a padding, (positions, channels)."""

        def make(clean: Any) -> Any:
            maps = tf.transpose(clean, (0, 2, 3, 1)) if patch.channels_first else clean
            sides = ((0, 0), *padding, (0, 0))
            return _as_rows(
                tf.pad(maps, sides, constant_values=tf.constant(fill, maps.dtype)) if any(map(any, sides)) else maps
            )

        return self.clean_maps.get(patch.clean, (padding, fill), make)

    def clean_values(self, patch: Patch) -> Any:
        """Return the clean values in the boxes of a patch, (samples, *boxes.size, channels)."""
        return tf.gather(self.clean_rows(patch), box_indices(patch.boxes, self.samples.rows, self.samples.corners))

    def values_in(
        self,
        patch: Patch,
        boxes: BoxBatch,
        padding: tuple[tuple[int, int], ...] = ((0, 0), (0, 0)),
        fill: float = 0.0,
    ) -> Any:
        """Return the values in other boxes, (samples, *boxes.size, channels).

        Args:
            patch: the patch.
            boxes: boxes in the maps with their padding.
            padding: rows above and below, columns left and right of the maps.
            fill: the value of the padding.
        """
        inner = patch.boxes.shifted((padding[0][0], padding[1][0]), boxes.map_size)
        if inner.equals(boxes):
            return patch.values
        indices = assembly_indices(inner, boxes, self.samples.rows, self.samples.corners)
        around = tf.gather(self.clean_rows(patch, padding, fill), indices.clean)
        values = tf.reshape(patch.values, (-1, patch.channels))
        joined = tf.raw_ops.ParallelDynamicStitch(  # on a CPU, faster than scattering into a copy
            indices=[indices.around, indices.inner], data=[around, values]
        )
        joined = joined if indices.size is None else joined[: indices.size]
        return tf.reshape(joined, (-1, *boxes.size, patch.channels))

    def full_maps(self, patch: Patch) -> Any:
        """Return the full maps, as the model's own operations would return them."""
        maps = self.values_in(patch, patch.boxes.full_maps)
        return tf.transpose(maps, (0, 3, 1, 2)) if patch.channels_first else maps


def _as_rows(maps: Any) -> Any:
    return tf.reshape(maps, (-1, maps.shape[3]))

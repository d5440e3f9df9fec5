"""Indices of the positions in boxes, computed in a graph from the corners of a batch's windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from saliency.core.incremental.box_batch import BoxBatch


@dataclass(frozen=True)
class AssemblyIndices:
    """Where the values of boxes come from.

    Args:
        clean: indices of the positions of the clean maps around the inner boxes, (around,).
        around: where these go among the positions of the boxes, (around,).
        inner: where the positions of the inner boxes go, (samples * inner,).
        size: number of the boxes' positions; greater indices are outside. None if no inner box extends beyond a box.
    """

    clean: Any
    around: Any
    inner: Any
    size: Any


def box_indices(boxes: BoxBatch, rows: Any, corners: Any) -> Any:
    """Return the indices of the boxes' positions in maps (N, rows, columns): (samples, *boxes.size).

    Args:
        boxes: boxes for every possible first row and column of a window, (corners, 2).
        rows: index of the map of each sample, (samples,).
        corners: first row and column of the window of each sample, (samples, 2).
    """
    starts = _starts(boxes.starts, corners)
    length, width = boxes.map_size
    down = (rows * length + starts[0])[:, None] + np.arange(boxes.size[0], dtype=np.int32)
    across = starts[1][:, None] + np.arange(boxes.size[1], dtype=np.int32)
    return (down * width)[:, :, None] + across[:, None, :]


def assembly_indices(inner: BoxBatch, boxes: BoxBatch, rows: Any, corners: Any) -> AssemblyIndices:
    """Return where the values of boxes come from, if those of inner boxes are known; see ``box_indices``."""
    samples = tf.range(tf.shape(rows)[0])
    offsets = inner.starts - boxes.starts
    shift = _starts(offsets, corners)
    inside = [
        (place >= first[:, None]) & (place < first[:, None] + length)
        for first, length, place in zip(shift, inner.size, (np.arange(n, dtype=np.int32) for n in boxes.size), strict=True)
    ]
    outside = tf.logical_not(inside[0][:, :, None] & inside[1][:, None, :])
    around = tf.cast(tf.where(tf.reshape(outside, [-1]))[:, 0], tf.int32)
    clean = tf.gather(tf.reshape(box_indices(boxes, rows, corners), [-1]), around)
    down, across = (
        first[:, None] + np.arange(length, dtype=np.int32) for first, length in zip(shift, inner.size, strict=True)
    )
    into = ((samples * boxes.size[0])[:, None] + down)[:, :, None] * boxes.size[1] + across[:, None, :]
    extends = (offsets < 0).any() or (offsets + np.array(inner.size) > np.array(boxes.size)).any()
    if not extends:
        return AssemblyIndices(clean, around, tf.reshape(into, [-1]), None)
    size = tf.size(outside)
    within = [(place >= 0) & (place < length) for place, length in zip((down, across), boxes.size, strict=True)]
    into = tf.where(within[0][:, :, None] & within[1][:, None, :], into, size)
    return AssemblyIndices(clean, around, tf.reshape(into, [-1]), size)


def _starts(starts: Any, corners: Any) -> list[Any]:
    """Return the first row and column of each sample's box, from those for every first row and column of a window."""
    return [tf.gather(tf.constant(starts[:, axis], tf.int32), corners[:, axis]) for axis in (0, 1)]

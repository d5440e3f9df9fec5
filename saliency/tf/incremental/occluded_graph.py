"""Build the outputs of occluded inputs within a model's graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from saliency.core.incremental.box_batch import BoxBatch
from saliency.tf.incremental.clean_maps import CleanMaps
from saliency.tf.incremental.patch import PatchAssembly, Samples
from saliency.tf.incremental.patch_walk import PatchWalk


@dataclass(frozen=True)
class OccludedGraph:
    """What was added to a graph.

    Args:
        outputs: the outputs of the occluded inputs.
        saved_fraction: estimated fraction of the work of full passes that patches save.
        with_rules: types of the operations that received patches.
        without_rules: types of the operations that received full maps in the place of patches.
    """

    outputs: list[Any]
    saved_fraction: float
    with_rules: tuple[str, ...]
    without_rules: tuple[str, ...]


def build_occluded_outputs(
    x: Any,
    outputs: Sequence[Any],
    size: tuple[int, int],
    channels_first: bool,
    samples: tuple[Any, Any, Any],
    clean_maps: CleanMaps,
) -> OccludedGraph:
    """Add to a model's graph what computes its outputs for occluded inputs.

    Args:
        x: the clean inputs, a tensor of the graph, (N, rows, columns, channels) or with channels first.
        outputs: the model's outputs, tensors of the graph.
        size: rows and columns of a window.
        channels_first: whether the channels of ``x`` are on axis 1.
        samples: the content of windows, (N, rows, columns, channels); for each sample, the index of its input, (samples,), and
            the first row and column of its window, (samples, 2).
        clean_maps: what the patches need of the clean activations.
    """
    cover, rows, corners = samples
    assembly = PatchAssembly(Samples(rows, corners), clean_maps)
    map_size = tuple(int(length) for length in (x.shape[2:] if channels_first else x.shape[1:3]))
    boxes = possible_windows(size, map_size)
    walk = PatchWalk(x, assembly.window(x, cover, boxes, channels_first), assembly)
    found = walk.outputs(outputs)
    return OccludedGraph(found, walk.cost.saved_fraction, tuple(walk.with_rules), tuple(walk.without_rules))


def possible_windows(size: Sequence[int], map_size: Sequence[int]) -> BoxBatch:
    """Return the boxes of windows with every possible first row and column: box i starts at row i and column i if it can."""
    last = np.array(map_size) - np.array(size)
    starts = np.minimum(np.arange(last.max() + 1)[:, None], last)
    return BoxBatch(starts, tuple(size), tuple(map_size))

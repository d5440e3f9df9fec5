"""The layers of a graph that a class activation map may be of."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from saliency.core.numerics.distinct_weights import distinct_weights
from saliency.core.position_grid import PositionGrid
from saliency.tf.ops.graph_traversal import operations_between
from saliency.tf.ops.spatial_layout import SpatialLayout
from saliency.tf.positions.reading import arrange
from saliency.tf.positions.tracker import PositionTracker


def find_candidates(
    outputs: Mapping[Any, Any], x: Any, scores: Any, layout: SpatialLayout
) -> tuple[dict[Any, Any], dict[Any, PositionGrid | None]]:
    """Return the outputs that hold the input's positions, or may hold others, and their grids.

    Queries, keys and values of attention, its matrices, and its result before the block's input is added to it do not count.

    Args:
        outputs: of layers or operations, by name.
        x: the input's tensor, in the same graph.
        scores: the scores, in the same graph.
        layout: of the input.
    """
    floats = {name: one for name, one in outputs.items() if _is_float_tensor(one)}
    positions = layout.follow(x, [scores, *floats.values()])
    floats = {name: one for name, one in floats.items() if not positions.is_inside_attention(one)}
    grids = {name: layout.grid_of(one, positions) for name, one in floats.items()}
    if layout.stated is not None and layout.stated.reshape is not None:
        return {name: one for name, one in floats.items() if one.shape.rank in layout.ranks}, grids
    found = {
        name: one
        for name, one in floats.items()
        if grids[name] is not None or _may_hold_positions(one, positions, len(layout.axes) + 2)
    }
    return found, grids


def last_candidate(outputs: Mapping[Any, Any], grids: Mapping[Any, PositionGrid | None], scores: Any) -> tuple[Any, list[Any]]:
    """Return the last output with a grid that scores depend on, by the paths of the graph, and those without one behind it.

    Args:
        outputs, grids: see ``find_candidates``.
        scores: the scores.

    Returns:
        The name of the output, None if there is none; and the names of later outputs without a grid.
    """
    later: list[Any] = []
    for name in reversed(list(outputs)):
        if not operations_between(outputs[name], [scores]):
            continue
        if grids[name] is not None:
            return name, later[::-1]
        later.append(name)
    return None, []


def _is_float_tensor(output: Any) -> bool:
    return isinstance(output, tf.Tensor) and output.dtype.is_floating and output.shape.rank is not None


def _may_hold_positions(output: Any, positions: PositionTracker, image_rank: int) -> bool:
    """Return whether an output without a known grid has the shape of tokens (N, tokens, channels) or of an image."""
    known, shape = positions.of(output), output.shape
    return (
        shape.rank in (3, image_rank)
        and all(length is None or length > 1 for length in shape[1:])
        and (shape[0] if known is None else known.shape[0]) in (None, positions.samples)
        and output.op.type not in ("Squeeze", "ExpandDims", "Reshape", "Transpose")
    )


def has_gradient_on_grid(gradient: Any, grid: PositionGrid | None) -> Any:
    """Return a tensor: whether any gradient by the positions of a grid, or by all of a tensor, is not zero."""
    gradient = tf.convert_to_tensor(gradient)  # TensorFlow 1 does not overload `!=`
    return tf.reduce_any(tf.not_equal(gradient if grid is None else arrange(gradient, grid, tf), 0))


def gradient_flags(gradient: Any, grid: PositionGrid | None) -> Any:
    """Return a tensor (2,): whether any gradient by the positions of a grid is not zero, and whether any of all tokens is."""
    return tf.stack([has_gradient_on_grid(gradient, grid), has_gradient_on_grid(gradient, None)])


def search_gradients(scores: Any, tensors: list[Any]) -> list[Any]:
    """Return the gradients by tensors of a sum of scores in which those of opposite targets do not cancel."""
    places = tf.cast(tf.range(tf.size(scores)), tf.float32)
    weights = tf.cast(tf.reshape(distinct_weights(places), tf.shape(scores)), scores.dtype)
    return list(tf.gradients(scores, tensors, grad_ys=weights)) if tensors else []

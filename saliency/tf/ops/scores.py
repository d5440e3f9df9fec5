"""Scores within a graph, and the starts of their backward passes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import tensorflow as tf

BackwardStart: TypeAlias = tuple[Any, Any]
"""A tensor that a backward pass starts at, and the gradient that it starts with; None stands for ones."""


@dataclass(frozen=True)
class Scores:
    """Scores and the starts of their backward passes.

    Args:
        values: (N * T,); the T targets of the first input, then those of the next.
        starts: one start for each of the T targets of an input.
    """

    values: Any
    starts: Sequence[BackwardStart]


def backpropagate(start: BackwardStart, tensors: list[Any]) -> list[Any]:
    """Return the gradients with respect to tensors, as ``tf.gradients`` does; None for a tensor without a path."""
    tensor, gradient = start
    gradients: list[Any] = tf.gradients(tensor, tensors, grad_ys=gradient)
    return gradients


def backward_starts(values: Any, targets_per_input: int) -> list[BackwardStart]:
    """Return the starts of backward passes for scores (N * T,) of which only the values are known."""
    if targets_per_input == 1:
        return [(values, None)]
    return [(column, None) for column in tf.unstack(tf.reshape(values, (-1, targets_per_input)), axis=1)]


def scores_at(output: Any, indices: Any, weights: Any, targets_per_input: int) -> Scores:
    """Read scores from an output at given indices; the values are those of ``saliency.core.score_reading.read_scores``.

    The gradient with respect to the output is written down directly: it is the weights at their indices. Differentiating
    the reading would take dozens of operations on small arrays, a measurable cost where a pass takes milliseconds.

    Args:
        output: (N, channels, *space).
        indices: (N * T, terms, 2 or 4), see ``Target.positions``. Indices beyond the output are clipped here; the caller
            reports them.
        weights: (N * T, terms).
        targets_per_input: T.
    """
    if indices.shape[-1] == 2 and output.shape.rank > 2:
        output = tf.reduce_mean(output, axis=tuple(range(2, output.shape.rank)))
    sizes = tf.shape(output, out_type=indices.dtype)
    indices = tf.minimum(indices, sizes - 1)
    values = tf.reduce_sum(tf.gather_nd(output, indices) * weights, axis=1)
    if targets_per_input == 1:
        return Scores(values, [(output, tf.scatter_nd(indices, weights, sizes))])
    rows = [slice(i, None, targets_per_input) for i in range(targets_per_input)]
    return Scores(values, [(output, tf.scatter_nd(indices[each], weights[each], sizes)) for each in rows])


def entries_at(array: Any, places: Any) -> Any:
    """Return the entries (samples,) of an array at places (samples, 1, axes)."""
    return tf.gather_nd(array, places)[:, 0]

"""Scores within a graph, and where their gradients begin."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import tensorflow as tf

End: TypeAlias = tuple[Any, Any]
"""A tensor that gradients are taken of, and the gradient that it begins with; None is 1 everywhere."""


@dataclass(frozen=True)
class Scored:
    """Scores and their gradients' ends.

    Args:
        values: (N * T,), those of the first sample first.
        ends: one for each of the T targets of a sample.
    """

    values: Any
    ends: Sequence[End]


def gradients_of(end: End, leaves: list[Any]) -> list[Any]:
    """Return the gradients from an end to tensors, as ``tf.gradients``: None where there is none."""
    tensor, start = end
    found: list[Any] = tf.gradients(tensor, leaves, grad_ys=start)
    return found


def columns(scores: Any, times: int) -> list[End]:
    """Return the ends of scores (N * times,) of which nothing is known but their values."""
    found = tf.unstack(tf.reshape(scores, (-1, times)), axis=1) if times > 1 else [scores]
    return [(column, None) for column in found]


def scored_at(seen: Any, places: Any, weights: Any, times: int) -> Scored:
    """Read scores at places of outputs, as ``core.outputs.read`` does.

    The gradient by the outputs is put down at once: it is the weights at their places. To differentiate the reading would
    take dozens of operations on small arrays, which are felt where a pass takes milliseconds.

    Args:
        seen: (N, channels, *space).
        places: (N * times, terms, 2 or 4), see ``Target.positions``; inputs that the outputs lack are told by the caller.
        weights: (N * times, terms).
        times: targets of one sample.
    """
    if places.shape[-1] == 2 and seen.shape.rank > 2:
        seen = tf.reduce_mean(seen, axis=tuple(range(2, seen.shape.rank)))
    sizes = tf.shape(seen, out_type=places.dtype)
    places = tf.minimum(places, sizes - 1)
    values = tf.reduce_sum(tf.gather_nd(seen, places) * weights, axis=1)
    each = [(places[i::times], weights[i::times]) for i in range(times)] if times > 1 else [(places, weights)]
    return Scored(values, [(seen, tf.scatter_nd(at, one, sizes)) for at, one in each])

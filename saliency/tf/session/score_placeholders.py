"""Scores that are read off an output of a graph at places which are fed: a class is no part of the graph."""

from types import SimpleNamespace
from typing import Any

import tensorflow as tf

from saliency.core.score_reading import read_scores


def scores_of(seen: Any, width: int) -> tuple[Any, list[Any]]:
    """Add the operations that read scores.

    Args:
        seen: (n, channels, *space), a tensor of the graph that is being built.
        width: of a place, 2 for input and channel, or 4 with row and column; see ``Target.positions``.

    Returns:
        Scores (samples,); and the output's shape, and the placeholders for places (samples, terms, width) and weights
        (samples, terms).
    """
    sizes = tf.shape(seen, out_type=tf.int64)
    places = tf.compat.v1.placeholder(tf.int64, (None, None, width), "places")
    weights = tf.compat.v1.placeholder(seen.dtype, (None, None), "weights")
    return read_scores(seen, places, weights, WORDS, shape=sizes), [sizes, places, weights]


def _take(values: Any, index: Any) -> Any:
    last = tf.size(values, out_type=index.dtype) - 1  # an output with too few rows is told once they are known
    return tf.gather(tf.reshape(values, [-1]), tf.minimum(index, last))


WORDS = SimpleNamespace(mean=tf.reduce_mean, sum=tf.reduce_sum, take=_take)
"""What a score is read off with: TensorFlow's own words, for its NumPy's want the second version's behaviour."""

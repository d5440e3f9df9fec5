"""Read scores from an output at indices that are fed to placeholders, so that all classes share the same operations."""

from types import SimpleNamespace
from typing import Any, NamedTuple

import tensorflow as tf

from saliency.core.score_reading import read_scores


class ScorePlaceholders(NamedTuple):
    """The output's shape, and the placeholders for the indices (samples, terms, width) and weights (samples, terms)."""

    output_shape: Any
    indices: Any
    weights: Any


def add_scores(output: Any, width: int) -> tuple[Any, ScorePlaceholders]:
    """Add the operations that read scores from an output.

    Args:
        output: (n, channels, *space), a tensor of the graph that is being extended.
        width: length of an index: 2 for (row, channel), or 4 with the position; see ``Target.positions``.

    Returns:
        Scores (samples,), and their placeholders.
    """
    sizes = tf.shape(output, out_type=tf.int64)
    indices = tf.compat.v1.placeholder(tf.int64, (None, None, width), "places")
    weights = tf.compat.v1.placeholder(output.dtype, (None, None), "weights")
    scores = read_scores(output, indices, weights, GRAPH_NAMESPACE, shape=sizes)
    return scores, ScorePlaceholders(sizes, indices, weights)


def _take(values: Any, index: Any) -> Any:
    last = tf.size(values, out_type=index.dtype) - 1  # an output with too few rows is reported after the run
    return tf.gather(tf.reshape(values, [-1]), tf.minimum(index, last))


GRAPH_NAMESPACE = SimpleNamespace(mean=tf.reduce_mean, sum=tf.reduce_sum, take=_take)
"""The functions that ``read_scores`` needs. TensorFlow's NumPy functions require TensorFlow 2 behavior."""

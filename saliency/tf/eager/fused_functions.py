"""Functions of arrays as one operation: eager ones cost more to call than to compute where arrays are small."""

import math
from collections.abc import Callable, Hashable
from functools import lru_cache, partial
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from saliency.tf.eager.forward import LOCK

SMALL = 2**19
"""Numbers in all up to which NumPy is faster than to call a graph: on a processor, whose memory is the host's."""


def call_fused(function: Callable[..., Any], how: Hashable, *arrays: Any) -> Any:
    """Apply a function of tensors, see ``GradientAdapter.call_fused``: NumPy does, or a graph, traced once for each shape."""
    if sum(math.prod(array.shape) for array in arrays) <= SMALL and on_processor(*arrays):
        with np.errstate(all="ignore"):  # what is not finite is told of the mask
            return tf.constant(function(np, how, *(np.array(memoryview(array)) for array in arrays)))
    specs = tuple((tuple(array.shape), array.dtype) for array in arrays)
    with LOCK:
        traced = _traced(function, how, specs)
    return traced(*arrays)


def on_processor(*arrays: Any) -> bool:
    """Tell whether tensors are in the memory of the host."""
    return all(array.device.endswith("CPU:0") for array in arrays)


@lru_cache(maxsize=128)  # the functions are this library's own: nothing of a user's is kept
def _traced(function: Callable[..., Any], how: Hashable, specs: tuple[Any, ...]) -> Any:
    with tf.device(None):
        graph = tf.function(partial(function, tnp, how), autograph=False)
        return graph.get_concrete_function(*(tf.TensorSpec(*spec) for spec in specs))

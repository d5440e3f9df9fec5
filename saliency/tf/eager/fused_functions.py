"""Evaluate functions of arrays in one step: calling eager operations one by one is slow where arrays are small."""

import math
from collections.abc import Callable, Hashable
from functools import lru_cache, partial
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from saliency.core.interrupts import DeferredInterrupts
from saliency.tf.ops.tracing_lock import TRACING_LOCK

NUMPY_MAX_SIZE = 2**19
"""Up to this total number of elements, NumPy is faster than the call of a graph, for arrays in the host's memory."""


def call_fused(function: Callable[..., Any], how: Hashable, *arrays: Any) -> Any:
    """Apply a function to tensors by NumPy, or by a graph that is traced once for each shape.

    See ``GradientAdapter.call_fused``.
    """
    if sum(math.prod(array.shape) for array in arrays) <= NUMPY_MAX_SIZE and in_host_memory(*arrays):
        with np.errstate(all="ignore"):  # masks report values that are not finite
            return tf.constant(function(np, how, *(np.array(memoryview(array)) for array in arrays)))
    specs = tuple((tuple(array.shape), array.dtype) for array in arrays)
    with TRACING_LOCK:
        traced = _trace(function, how, specs)
    return traced(*arrays)


def in_host_memory(*arrays: Any) -> bool:
    """Tell whether tensors are in the host's memory."""
    return all(array.device.endswith("CPU:0") for array in arrays)


@lru_cache(maxsize=128)  # holds functions of this library only, none of the user's
def _trace(function: Callable[..., Any], how: Hashable, specs: tuple[Any, ...]) -> Any:
    with DeferredInterrupts(), tf.device(None):
        graph = tf.function(partial(function, tnp, how), autograph=False)
        return graph.get_concrete_function(*(tf.TensorSpec(*spec) for spec in specs))

"""Functions of arrays as one operation: eager ones cost more to call than to compute where arrays are small."""

from collections.abc import Callable, Hashable
from functools import lru_cache, partial
from typing import Any

import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from saliency.tf.forward import LOCK


def fused(function: Callable[..., Any], how: Hashable, *arrays: Any) -> Any:
    """Apply a function of tensors, see ``GradientAdapter.fused``; it is traced once for each shape."""
    specs = tuple((tuple(array.shape), array.dtype) for array in arrays)
    with LOCK:
        traced = _traced(function, how, specs)
    return traced(*arrays)


@lru_cache(maxsize=128)  # the functions are this library's own: nothing of a user's is kept
def _traced(function: Callable[..., Any], how: Hashable, specs: tuple[Any, ...]) -> Any:
    with tf.device(None):
        graph = tf.function(partial(function, tnp, how), autograph=False)
        return graph.get_concrete_function(*(tf.TensorSpec(*spec) for spec in specs))

"""The variables of a TensorFlow 1 graph as NumPy arrays."""

from collections.abc import Iterator
from typing import Any

import numpy.typing as npt
import tensorflow as tf


def named_weights(adapter: Any) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the values that an adapter's session holds for the variables of its graph, by name."""
    variables = adapter.graph.get_collection(tf.compat.v1.GraphKeys.GLOBAL_VARIABLES)
    values = adapter.session.run(variables) if variables else []
    for variable, value in zip(variables, values, strict=True):
        yield variable.name, value

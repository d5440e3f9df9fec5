"""Translate TensorFlow's errors into this library's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from saliency.core.errors import ForwardError, MemoryShortage

LOCATION_PREFIXES = ("[[{{node", "File ", "Detected at", "(most recent", "Errors may", "Function call stack")
"""Beginnings of the lines that say where an error occurred, rather than what went wrong."""


@contextmanager
def translate_errors(x: Any) -> Iterator[None]:
    """Translate errors of a graph that runs within the block.

    Args:
        x: the inputs of the graph, (N, *input).

    Raises:
        MemoryShortage: if memory ran out.
        ForwardError: if an operation failed.
    """
    n, shape, shortage = x.shape[0], tuple(x.shape[1:]), ""
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        shortage = summarize_error(error)
    except tf.errors.OpError as error:
        raise ForwardError.of(x.shape, summarize_error(error)) from error
    if shortage:  # raised outside the handler, after the frames that hold the model's tensors were released
        raise MemoryShortage(f"{n} input(s) of shape {shape} at once do not fit into memory: {shortage}")


def summarize_error(error: BaseException | None) -> str:
    """Return an exception's type and message in one line, without the location that TensorFlow and Keras put first."""
    plain = re.sub(r"\x1b\[\d*m", "", str(error))
    lines = [line.strip() for line in plain.splitlines() if line.strip()] or [""]
    if lines[0].startswith(("in user code", "Graph execution error")):
        messages = [line.partition(" [Op:")[0] for line in lines[1:] if not line.startswith(LOCATION_PREFIXES)]
        return f"{type(error).__name__}: {(messages[-1:] or lines)[0]}"
    first = next((line for line in lines if not line.startswith("Exception encountered when calling")), lines[0])
    return f"{type(error).__name__}: {first}"

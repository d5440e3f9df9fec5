"""TensorFlow's errors, in this library's words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from saliency.core.errors import ForwardError, MemoryShortage


@contextmanager
def served(x: Any) -> Iterator[None]:
    """Turn errors of a graph that runs on inputs into this library's.

    Args:
        x: (N, *input).

    Raises:
        MemoryShortage: if memory ran out within the block.
        ForwardError: if an operation failed.
    """
    n, shape, short = x.shape[0], tuple(x.shape[1:]), ""
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        short = told(error)
    except tf.errors.OpError as error:
        raise ForwardError.of(x.shape, told(error)) from error
    if short:  # out here, where the frames that hold the model's tensors are gone
        raise MemoryShortage(f"{n} input(s) of shape {shape} at once do not fit into memory: {short}")


def told(error: BaseException | None) -> str:
    """Return what an exception says, without the lines in which TensorFlow and Keras tell the place first."""
    plain = re.sub(r"\x1b\[\d*m", "", str(error))
    lines = [line.strip() for line in plain.splitlines() if line.strip()] or [""]
    if lines[0].startswith(("in user code", "Graph execution error")):
        places = ("[[{{node", "File ", "Detected at", "(most recent", "Errors may", "Function call stack")
        lines = [line.partition(" [Op:")[0] for line in lines[1:] if not line.startswith(places)][-1:] or lines
        return f"{type(error).__name__}: {lines[0]}"
    first = next((line for line in lines if not line.startswith("Exception encountered when calling")), lines[0])
    return f"{type(error).__name__}: {first}"

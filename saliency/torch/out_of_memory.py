"""Recognize Torch's out-of-memory errors and raise one type for all of them."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from saliency.core.errors import MemoryShortage

PHRASES = ("out of memory", "can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception means that the memory of the CPU or of an accelerator ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(phrase in str(error) for phrase in PHRASES)


@contextmanager
def translate_out_of_memory(x: torch.Tensor) -> Iterator[None]:
    """Raise ``MemoryShortage`` for each of Torch's out-of-memory errors.

    Args:
        x: the batch that the block evaluates, (N, *input).

    Raises:
        MemoryShortage: if memory ran out in the block.
    """
    n, shape, device = len(x), tuple(x.shape[1:]), x.device
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        shortage = MemoryShortage(
            f"{n} input(s) of shape {shape} at once do not fit into the memory of {device}: {_first_line(error)}. "
            "Reduce the input's size, or use a device with more memory"
        )
    else:
        return
    gc.collect()  # at this point only reference cycles still keep frames with the model's tensors alive
    raise shortage


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

"""Torch's ways of saying that there is no memory left."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from saliency.core.errors import MemoryShortage

PHRASES = ("out of memory", "can't allocate memory", "not enough memory")


def is_shortage(error: BaseException) -> bool:
    """Tell whether an exception, of the accelerator's allocator or the CPU's, means that memory ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(phrase in str(error) for phrase in PHRASES)


@contextmanager
def shortages(x: torch.Tensor) -> Iterator[None]:
    """Turn them all into one.

    Raises:
        MemoryShortage: if memory ran out within the block.
    """
    n, shape, device = len(x), tuple(x.shape[1:]), x.device
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_shortage(error):
            raise
        short = MemoryShortage(
            f"{n} input(s) of shape {shape} at once do not fit into the memory of {device}: {_first(error)}"
        )
    else:
        return
    gc.collect()  # out here the frames that hold the model's tensors are gone, but for those that stand in a cycle
    raise short


def _first(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

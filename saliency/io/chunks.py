"""Split an array that is larger than memory into blocks of whole storage chunks."""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

Shape = tuple[int, ...]
Slices = tuple[slice, ...]

MAX_BLOCK_BYTES = 16 * 2**20
"""Largest size of a block in bytes, unless a single chunk is larger."""


def block_shape(shape: Shape, chunk_shape: Shape, itemsize: int, max_bytes: int = MAX_BLOCK_BYTES) -> Shape:
    """Return the shape of the largest block of whole chunks, extended along the last axes first.

    Args:
        shape: of the array.
        chunk_shape: shape of the chunks that the file stores as units; a block has at least one chunk.
        itemsize: bytes of a value.
        max_bytes: largest size of a block in bytes.
    """
    block = [min(chunk, n) for chunk, n in zip(chunk_shape, shape, strict=True)]
    for axis in reversed(range(len(shape))):
        length = max_bytes * block[axis] // (prod(block) * itemsize)
        block[axis] = min(max(length // chunk_shape[axis], 1) * chunk_shape[axis], shape[axis])
    return tuple(block)


def block_slices(shape: Shape, block: Shape) -> Iterator[Slices]:
    """Yield the slices of every block, in C order (the last axis varies fastest)."""
    for corner in product(*(range(0, n, size) for n, size in zip(shape, block, strict=True))):
        yield tuple(slice(start, min(start + size, n)) for start, size, n in zip(corner, block, shape, strict=True))


def full_slices(shape: Sequence[int]) -> Slices:
    """Return the slices of the whole array."""
    return tuple(slice(0, n) for n in shape)

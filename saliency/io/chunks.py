"""An array too large for memory, taken block by block along the pieces that its file keeps."""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

Shape = tuple[int, ...]
Where = tuple[slice, ...]

LIMIT = 16 * 2**20
"""Bytes of a block, unless one piece of the file is larger."""


def block_shape(shape: Shape, pieces: Shape, itemsize: int, limit: int = LIMIT) -> Shape:
    """Return the shape of the largest block, its last axes filled first, that consists of whole pieces.

    Args:
        shape: of the array.
        pieces: shape of the pieces that are read or written at once; one piece is a block's least.
        itemsize: bytes of a value.
        limit: bytes of a block.
    """
    block = [min(piece, n) for piece, n in zip(pieces, shape, strict=True)]
    for axis in reversed(range(len(shape))):
        fitting = limit * block[axis] // (prod(block) * itemsize)
        block[axis] = min(max(fitting // pieces[axis], 1) * pieces[axis], shape[axis])
    return tuple(block)


def blocks(shape: Shape, block: Shape) -> Iterator[Where]:
    """Yield the slices of all blocks, the last axis moving first."""
    for corner in product(*(range(0, n, size) for n, size in zip(shape, block, strict=True))):
        yield tuple(slice(at, min(at + size, n)) for at, size, n in zip(corner, block, shape, strict=True))


def whole(shape: Sequence[int]) -> Where:
    """Return the slices of all there is."""
    return tuple(slice(0, n) for n in shape)

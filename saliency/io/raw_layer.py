"""A layer in a file of bare numbers, filled stimulus by stimulus: it grows on disk while its values are computed."""

import os
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from saliency.io.chunks import Shape, Where
from saliency.io.layer import FOUR, Array, Layer


@dataclass(frozen=True, eq=False)
class Raw(Layer):
    """A layer in a file that holds nothing but its float32 values, one stimulus after the other."""

    file: Path

    @classmethod
    def of(cls, file: Path, shape: Shape) -> "Raw":
        """Return the layer (stimuli, channels, rows, columns) of a file, which need not be there yet."""
        return cls(shape, np.dtype(np.float32), (1, 1, *shape[2:]), FOUR, file)

    def holds(self, stimuli: int) -> bool:
        """Tell whether the file has the values of the first stimuli."""
        return stimuli == 0 or (self.file.is_file() and self.file.stat().st_size >= stimuli * self._bytes(1))

    def put(self, stimulus: int, values: Array) -> None:
        """Write the values (k, channels, rows, columns) of k stimuli; they are on the disk when this returns.

        Args:
            stimulus: number of the first, from 0.
            values: what stood there is replaced.

        Raises:
            OSError: if they cannot be written.
        """
        with self.file.open("r+b" if self.file.exists() else "xb") as file:
            file.seek(stimulus * self._bytes(1))
            file.write(np.ascontiguousarray(values, self.dtype).tobytes())
            file.flush()
            os.fsync(file.fileno())

    def block(self, where: Where) -> Array:
        """Read four slices: of each stimulus the channels that are wanted, or the stimuli as one where all are."""
        first, channels = where[0].start, where[1].stop - where[1].start
        values = np.empty((where[0].stop - first, channels, *self.shape[2:]), self.dtype)
        pieces = values[None] if channels == self.shape[1] else values
        with self.file.open("rb") as file:
            for i, piece in enumerate(pieces, start=first):
                file.seek(i * self._bytes(1) + where[1].start * self._bytes(2))
                if file.readinto(piece) < piece.nbytes:
                    raise OSError(f"{self.file}: is shorter than it was written")
        return values[:, :, where[2], where[3]]

    def _bytes(self, axis: int) -> int:
        """Return the bytes of one stimulus (1), or of one of its channels (2)."""
        return prod(self.shape[axis:]) * self.dtype.itemsize

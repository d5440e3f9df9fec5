"""A layer in a file of bare float32 values, written stimulus by stimulus while they are computed."""

import os
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from saliency.io.atomic_write import named_errors
from saliency.io.checksum import checksum
from saliency.io.chunks import Shape, Slices
from saliency.io.layer import N_AXES, Array, Layer
from saliency.io.working_file import open_working_file


@dataclass(frozen=True, eq=False)
class RawFileLayer(Layer):
    """A layer in a file that stores nothing but float32 values, one stimulus after the other."""

    file: Path

    @classmethod
    def for_file(cls, file: Path, shape: Shape) -> "RawFileLayer":
        """Return the layer (stimuli, channels, rows, columns) of a file, which may not exist yet."""
        return cls(shape, np.dtype(np.float32), (1, 1, *shape[2:]), N_AXES, file)

    def bytes_of(self, stimuli: int) -> int:
        """Return the size of the values of so many stimuli in bytes."""
        return stimuli * self._n_bytes(1)

    def checksum(self, stimuli: range) -> dict[str, Any] | None:
        """Return the size and the SHA-256 of the values of some stimuli in the file, or None if there is no file."""
        if not os.path.lexists(self.file):
            return None
        with open_working_file(self.file, "rb") as file:
            return checksum(file, self.bytes_of(stimuli.start), self.bytes_of(len(stimuli)))

    def write_stimuli(self, first: int, values: Array) -> None:
        """Write the values (k, channels, rows, columns) of k stimuli and flush them to the disk.

        Args:
            first: index of the first stimulus, from 0.
            values: replace the values that the file already has for these stimuli.

        Raises:
            OSError: if they cannot be written.
        """
        mode = "r+b" if os.path.lexists(self.file) else "xb"
        with named_errors(self.file), open_working_file(self.file, mode) as file:
            file.seek(first * self._n_bytes(1))
            file.write(np.ascontiguousarray(values, self.dtype).tobytes())
            file.flush()
            os.fsync(file.fileno())

    def read_block(self, slices: Slices) -> Array:
        """Read the values inside four slices: all stimuli at once if all channels are selected, else one at a time."""
        first, channels = slices[0].start, slices[1].stop - slices[1].start
        values = np.empty((slices[0].stop - first, channels, *self.shape[2:]), self.dtype)
        parts = values[None] if channels == self.shape[1] else values
        with open_working_file(self.file, "rb") as file:
            for i, part in enumerate(parts, start=first):
                file.seek(i * self._n_bytes(1) + slices[1].start * self._n_bytes(2))
                if file.readinto(part) < part.nbytes:
                    raise OSError(f"{self.file}: is shorter than the values written to it; it was truncated")
        return values[:, :, slices[2], slices[3]]

    def _n_bytes(self, axis: int) -> int:
        """Return the bytes of one stimulus (axis 1) or of one channel of a stimulus (axis 2)."""
        return prod(self.shape[axis:]) * self.dtype.itemsize

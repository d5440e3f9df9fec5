"""Read the pictures of a batch of rows, in threads beside the passes of the network."""

from collections import deque
from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency import nets
from saliency.batches.items import Item
from saliency.core.errors import InputError
from saliency.core.validation import shown
from saliency.io.picture import decode_picture, read_picture
from saliency.io.picture_opening import PILLOW_WARNINGS
from saliency.io.picture_options import PictureOptions

Batch = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Columns:
    """The names of the columns of a row.

    Args:
        picture: the picture: the bytes of its file, its path, a dictionary with ``bytes`` or ``path``, or an array (H, W),
            (H, W, channels) or (channels, H, W).
        name: its name.
        target: its target, if it has one of its own.
    """

    picture: str
    name: str
    target: str | None = None

    def __post_init__(self) -> None:
        for what, name in (("picture", self.picture), ("name", self.name)):
            if not isinstance(name, str):
                raise InputError(f"`{what}` (={shown(name)}) must be the name of a column")

    def check(self, batch: Batch) -> None:
        """Raise ``InputError`` if a column is missing."""
        for what, name in (("picture", self.picture), ("name", self.name), ("target", self.target)):
            if name is not None and name not in batch:
                raise InputError(f"`{what}` (={name!r}) must be a column of the dataset; it has {', '.join(batch)}")


@dataclass(frozen=True)
class PictureRows:
    """Read and preprocess the pictures of a batch.

    Args:
        network: prepares the pictures.
        columns: the names of the columns.
        reading: how files are read.
        threads: number of threads that read pictures.
    """

    network: nets.Network
    columns: Columns
    reading: PictureOptions
    threads: int

    def items(self, batch: Batch) -> Generator[Item, None, None]:
        """Yield the inputs in order; one that cannot be read has an error."""
        rows = iter(range(len(batch[self.columns.picture])))
        with PILLOW_WARNINGS.handled(), ThreadPoolExecutor(self.threads) as pool:
            waiting = deque(
                (i, pool.submit(self._read, batch, i)) for i in islice(rows, 2 * self.threads)
            )  # more would fill the memory
            try:
                while waiting:
                    i, picture = waiting.popleft()
                    yield self._item(batch, i, picture)
                    waiting.extend((k, pool.submit(self._read, batch, k)) for k in islice(rows, 1))
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _item(self, batch: Batch, i: int, picture: "Future[Any]") -> Item:
        try:
            target = None if self.columns.target is None else _target(batch[self.columns.target][i])
            prepared = self.network.prepare(picture.result(), self.reading.float_range)
            return Item(i, prepared, target)
        except (ValueError, MemoryError) as error:  # PictureError and InputError are ValueErrors
            return Item(i, None, None, error)

    def _read(self, batch: Batch, i: int) -> Any:
        picture, name = batch[self.columns.picture][i], str(batch[self.columns.name][i])
        if isinstance(picture, Mapping):
            picture = next((picture[key] for key in ("bytes", "path") if picture.get(key) is not None), None)
        if isinstance(picture, bytes | bytearray | memoryview):
            return decode_picture(bytes(picture), name, self.reading)[0]
        if isinstance(picture, str | Path):
            return read_picture(picture, self.reading)[0]
        if picture is None or (isinstance(picture, float) and np.isnan(picture)):
            raise InputError(f"{name}: the column {self.columns.picture} has no picture")
        return picture if isinstance(picture, Image.Image) else np.asarray(picture)


def _target(value: Any) -> Any:
    """Return a target of a row as a class, from 0; None if there is none."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return None
    number = float(value) if isinstance(value, int | float | np.number) else np.nan
    if isinstance(value, bool | np.bool_) or not number.is_integer():
        raise InputError(f"the target of a row (={value!r}) must be the number of a class, from 0, or missing")
    return int(number)

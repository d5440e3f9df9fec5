"""Read the images of rows and draw their thumbnails, in this process or another one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.cli.piece_log import StimulusLog
from saliency.cli.report.thumbnails import Size, encode_picture, thumbnail_size
from saliency.cli.stimulus_reader import StimulusReader
from saliency.nets.preparation import Float32


@dataclass(frozen=True)
class RowImage:
    """The image of a row.

    Args:
        index: index of the stimulus in the file, counting from 0.
        path: path of the image file.
        size: (width, height) of the thumbnail.
        picture: the thumbnail, encoded as text; None if the image could not be read.
        x: the network's input; None if the stimulus failed.
        object_mask: the positions of its object, if they are needed.
        failure: why it failed.
    """

    index: int
    path: Path
    size: Size = (1, 1)
    picture: str | None = None
    x: Float32 | None = None
    object_mask: npt.NDArray[np.bool_] | None = None
    failure: str | None = None


@dataclass(frozen=True)
class RowReader:
    """Read the images of rows. A stimulus that fails has an entry as well, with the thumbnail if there is one.

    Args:
        reader: reads the images.
        side: the longer side of a thumbnail in pixels.
    """

    reader: StimulusReader
    side: int

    def read(self, indices: range, log: StimulusLog) -> Iterator[RowImage]:
        """Yield the image of each stimulus; log the stimuli that fail."""
        for index in indices:
            yield self._read_one(index, log)

    def part(self, indices: range) -> "RowReader | None":
        """Return a reader of some of the stimuli that another process can use; see ``StimulusReader``."""
        part = self.reader.part(indices)
        return None if part is None else replace(self, reader=part)

    def log_lost(self, index: int, reason: str, log: StimulusLog) -> Sequence[RowImage]:
        """Log that the process died which read a stimulus; return its entry."""
        self.reader.log_lost(index, reason, log)
        return [self._failed(index, log)]

    def _read_one(self, index: int, log: StimulusLog) -> RowImage:
        thumbnail: dict[str, Any] = {}
        for image in self.reader.images(range(index, index + 1), log):
            size = thumbnail_size(image.rgb, self.side)
            thumbnail = {"size": size, "picture": encode_picture(image.rgb, size)}
            for prepared, x in self.reader.prepare([image], log):
                return RowImage(index, image.path, **thumbnail, x=x, object_mask=prepared.object_mask)
        return replace(self._failed(index, log), **thumbnail)

    def _failed(self, index: int, log: StimulusLog) -> RowImage:
        """Return the entry of a stimulus whose failure was just logged."""
        failure = log.failures[-1]
        return RowImage(
            index, Path(failure.path), failure=f"{failure.code}: " + failure.message.removeprefix(f"{failure.path}: ")
        )

"""The object in each image, from columns of the stimulus file: a file of its mask, or a box."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency import nets
from saliency.cli.network import gray_input
from saliency.cli.options import CommandError
from saliency.cli.stimuli import Stimuli, leads_outside
from saliency.cli.stimulus_image import StimulusImage
from saliency.io.picture_options import PictureError

MASK, VALUE = "mask", "mask_value"
BOX = ("x0", "y0", "x1", "y1")
MASK_MODES = ("1", "L", "P", "I", "I;16")
"""Pillow's modes of images with one channel of whole numbers."""


@dataclass(frozen=True)
class ObjectColumns:
    """The objects of the stimuli.

    Args:
        stimuli: the stimuli, whose images are read in their original size.
        space: height and width of the network's input.
    """

    stimuli: Stimuli
    space: tuple[int, int]

    @classmethod
    def of(cls, stimuli: Stimuli, network: nets.Network) -> "ObjectColumns":
        """Check the columns ``mask``, or ``x0``, ``y0``, ``x1`` and ``y1``.

        Raises:
            CommandError: if there are none or both, or it is not known where the network sees a position of an image.
        """
        boxes = [name for name in BOX if name in stimuli.columns]
        if (MASK in stimuli.columns) == bool(boxes) or len(boxes) not in (0, len(BOX)):
            found = ", ".join(stimuli.columns) or "none"
            raise CommandError(
                f"{stimuli.file}: metrics of localization need either a column {MASK}, files of masks, or the columns "
                f"{', '.join(BOX)}, boxes in pixels of the image; it has {found}"
            )
        if network.preprocess is not None and network.needed_size is None:
            raise CommandError(
                f"-net ({network.name}) has a preprocessing function of its own, so it is not known where its input shows an "
                "object of the image; metrics of localization need a network whose images are resized as a whole"
            )
        shape = np.delete(gray_input(network).shape, network.channel_axis)
        return cls(stimuli, (int(shape[0]), int(shape[1])))

    def read(self, image: StimulusImage) -> npt.NDArray[np.bool_]:
        """Return the positions of the object in the network's input, (height, width).

        A position belongs to the object if at least half of it does. A box of NaN, or an empty name of a mask, is no object.

        Args:
            image: the image in its original size.

        Raises:
            PictureError: if the mask cannot be read or has another size than the image, or the box leaves the image.
        """
        mask = self._mask(image) if MASK in self.stimuli.columns else self._box(image)
        height, width = self.space
        covered = Image.fromarray(mask.astype(np.uint8) * 255).resize((width, height), Image.Resampling.BOX)
        return np.asarray(covered) >= 128

    def _box(self, image: StimulusImage) -> npt.NDArray[np.bool_]:
        x0, y0, x1, y1 = (float(self.stimuli.columns[name][image.index]) for name in BOX)
        width, height = image.rgb.size
        inside = np.zeros((height, width), bool)
        if np.isnan([x0, y0, x1, y1]).all():
            return inside
        if not (0 <= x0 <= x1 <= width and 0 <= y0 <= y1 <= height):
            rule = f"must satisfy 0 <= x0 <= x1 <= {width} and 0 <= y0 <= y1 <= {height}"
            raise PictureError("BOX", image.path, f"its box ({x0:g}, {y0:g}, {x1:g}, {y1:g}) {rule}")
        inside[round(y0) : round(y1), round(x0) : round(x1)] = True
        return inside

    def _mask(self, image: StimulusImage) -> npt.NDArray[np.bool_]:
        columns, size = self.stimuli.columns, image.rgb.size
        name = str(columns[MASK][image.index])
        if not name:
            return np.zeros(size[::-1], bool)
        path = self.stimuli.folder / name
        if not self.stimuli.allow_outside and leads_outside(self.stimuli.folder, name):
            raise PictureError("OUTSIDE_PATH", path, "leads outside the folder of path=; use -allow-outside to read it")
        values = _read_mask(path, size)
        return np.asarray(values == columns[VALUE][image.index] if VALUE in columns else values != 0)


def _read_mask(path: Path, size: tuple[int, int]) -> npt.NDArray[Any]:
    """Return the pixels of a mask (height, width); for a palette, their indices."""
    try:
        with Image.open(path) as mask:
            if mask.size != size:
                raise PictureError("MASK", path, f"has {mask.size} pixels; a mask must have those of its image, {size}")
            if mask.mode not in MASK_MODES:
                raise PictureError("MASK", path, f"is an image of mode {mask.mode}; it must be gray or have a palette")
            return np.asarray(mask)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError("MASK", path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None

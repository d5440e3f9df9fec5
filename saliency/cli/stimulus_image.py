"""The image of a stimulus."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    from PIL import Image


@dataclass(frozen=True)
class StimulusImage:
    """The image of a stimulus.

    Args:
        index: index of the stimulus in the file, counting from 0.
        name: its stimID.
        path: path of the image file.
        rgb: the image, as RGB.
        object_mask: the positions of its object in the network's input, (height, width), if they are needed.
    """

    index: int
    name: str
    path: Path
    rgb: Image.Image
    object_mask: npt.NDArray[np.bool_] | None = None

    def reduced(self, pixels: int) -> StimulusImage:
        """Return the stimulus with an image of at most this number of pixels, for drawing."""
        from PIL import Image

        factor = (pixels / (self.rgb.width * self.rgb.height)) ** 0.5
        if factor >= 1:
            return self
        size = max(1, int(self.rgb.width * factor)), max(1, int(self.rgb.height * factor))
        return replace(self, rgb=self.rgb.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0))

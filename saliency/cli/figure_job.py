"""A figure that is still to be drawn, in this process or another one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.cli.figure import SaliencyFigure
from saliency.cli.figure_file import encode_figure
from saliency.cli.map_images import MapImages

Masks = npt.NDArray[Any]


@dataclass(frozen=True)
class FigureJob:
    """The contents of a figure.

    Args:
        stimuli: the n stimuli; None leaves a gap.
        rows: label of a row -> its n masks, (3, H, W) or (H, W) each, or their images; None leaves a gap.
        captions: label of a row -> the text in the upper left corner of each image.
        images: how masks become images; None if the rows are images.
        scale: ``cmap``, ``vmin`` and ``vmax`` of the images with a single channel.
    """

    stimuli: Sequence[Image.Image | None]
    rows: Mapping[str, Sequence[Masks | None]]
    captions: Mapping[str, Sequence[str]]
    images: MapImages | None
    scale: Mapping[str, Any]

    def draw(self, show: bool) -> SaliencyFigure:
        """Draw the figure; ``show`` opens a window."""
        figure = SaliencyFigure(len(self.rows) + 1, len(self.stimuli), show)
        rows = {label: [self._image(*one) for one in zip(row, self.stimuli, strict=True)] for label, row in self.rows.items()}
        figure.draw(self.stimuli, rows, self.scale, self.captions)
        return figure

    def _image(self, mask: Masks | None, stimulus: Image.Image | None) -> Masks | None:
        if mask is None or stimulus is None or self.images is None:
            return mask
        return self.images.image(np.nan_to_num(mask), stimulus)


def draw_figure(job: FigureJob, suffix: str, comment: str, dpi: int) -> bytes:
    """Draw a figure in a worker; return the contents of its file, whose format the suffix selects."""
    return encode_figure(job.draw(show=False).figure, suffix, comment, dpi)

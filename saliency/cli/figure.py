"""Draw DNNBrain's figure: a row of stimuli, and a row of their saliency images for each channel."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.cli.figure_file import write_figure
from saliency.cli.figure_layout import RightMargin, image_boxes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


WIDTH, MIN_HEIGHT, ROW_HEIGHT = 10.0, 6.0, 1.0  # inches
DPI = 100
MAX_HEIGHT = 650.0  # inches of 100 pixels: a JPEG file has at most 65,500 pixels
LABEL_GAP = 4 / 72  # inches between a label and its image
FRAME_LINEWIDTH = 0.8  # points
COLOR_BAR_GAP = 0.04  # between a map and its color bar, as a share of the map's width
COLOR_BAR_MARGIN = RightMargin(share=0.086, inches=0.55)  # for a color bar and its numbers

CAPTION_SIZE = 7  # points
CAPTION_CHARACTER = 0.058  # inches, the mean width of a character of a caption
CAPTION_INSET = 0.03  # inches


class SaliencyFigure:
    """A figure whose images all share one Matplotlib ``Axes``, because creating one each takes longer than drawing.

    Args:
        rows: rows of images.
        columns: columns of images.
        show: whether to open a window.
    """

    def __init__(self, rows: int, columns: int, show: bool) -> None:
        self._size = WIDTH, min(max(MIN_HEIGHT, ROW_HEIGHT * rows), MAX_HEIGHT)
        self._shape = rows, columns
        self.figure: Figure = _pyplot_figure(self._size) if show else _plain_figure(self._size)
        self._axes = self.figure.add_axes((0, 0, 1, 1), xlim=(0, self._size[0]), ylim=(self._size[1], 0))
        self._axes.set_axis_off()
        self._axes.set_autoscale_on(False)

    def draw(
        self,
        stimuli: Sequence[Image.Image | None],
        maps: Mapping[str, Sequence[npt.NDArray[Any] | None]],
        scale: Mapping[str, Any],
        captions: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        """Draw stimuli and saliency images.

        Args:
            stimuli: the n stimuli in their original size; None leaves a gap.
            maps: label of a row -> its n saliency images, None for a gap. An image is uint8, (H, W, 3) colors or (H, W)
                brightness, or float, (H, W), and then has a color bar.
            scale: ``cmap``, ``vmin`` and ``vmax`` of the (H, W) images.
            captions: label of a row -> the text in the upper left corner of each image, of one or several lines.
        """
        rows = {"stim": [None if stimulus is None else np.asarray(stimulus) for stimulus in stimuli], **maps}
        shapes = np.array([[_image_shape(image, row) for image in row] for row in rows.values()], float)
        bars = any(image is not None and image.dtype.kind == "f" for row in rows.values() for image in row)
        boxes = image_boxes(self._size, shapes.reshape(*self._shape, 2), COLOR_BAR_MARGIN if bars else RightMargin())
        for (label, row), line in zip(rows.items(), boxes, strict=True):
            self._draw_label(label, *line[0])
            for image, caption, box in zip(row, captions.get(label, [""] * len(row)), line, strict=True):
                if image is not None:
                    self._draw_image(image, scale, *box)
                    self._draw_caption(caption, *box)

    def _draw_label(self, label: str, left: float, top: float, _: float, height: float) -> None:
        """Draw the label of a row, rotated, on the left of its first image."""
        rotated: dict[str, Any] = {"rotation": 90, "rotation_mode": "anchor", "ha": "center", "va": "bottom"}
        self._axes.text(left - LABEL_GAP, top + height / 2, label, **rotated)

    def _draw_caption(self, caption: str, left: float, top: float, width: float, _: float) -> None:
        """Draw the caption of an image in its upper left corner; each line is shortened to the width of the image."""
        fitting = max(4, int(width / CAPTION_CHARACTER))
        if caption:
            lines = [line if len(line) <= fitting else f"{line[: fitting - 3]}..." for line in caption.split("\n")]
            background = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
            at = left + CAPTION_INSET, top + CAPTION_INSET
            self._axes.text(*at, "\n".join(lines), ha="left", va="top", fontsize=CAPTION_SIZE, bbox=background)

    def _draw_image(
        self, image: npt.NDArray[Any], scale: Mapping[str, Any], left: float, top: float, width: float, height: float
    ) -> None:
        """Draw an image and its frame, and a color bar for an image of floats."""
        from matplotlib.patches import Rectangle

        drawn = self._axes.imshow(image, extent=(left, left + width, top + height, top), **_open_scale(image, scale))
        self._axes.add_patch(Rectangle((left, top), width, height, fill=False, linewidth=FRAME_LINEWIDTH))
        if image.dtype.kind == "f":
            figure_width, figure_height = self._size
            start, thickness = left + width * (1 + COLOR_BAR_GAP), width * (COLOR_BAR_MARGIN.share - COLOR_BAR_GAP)
            bottom = 1 - (top + height) / figure_height
            box = start / figure_width, bottom, thickness / figure_width, height / figure_height
            bar = self.figure.colorbar(drawn, cax=self.figure.add_axes(box))
            bar.ax.tick_params(labelsize="x-small")

    def save(self, path: Path, comment: str = "", dpi: int = DPI) -> None:
        """Write the figure, 10 inches wide; see ``write_figure``."""
        write_figure(self.figure, path, comment, dpi)

    def show(self) -> None:
        """Show the figure until its window is closed."""
        import matplotlib.pyplot as plt

        plt.show()
        plt.close(self.figure)


def _open_scale(image: npt.NDArray[Any], scale: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scale of an image with a limit beyond the one that a user gives, if all values lie beyond that one.

    Matplotlib takes a missing limit from the image, and refuses a scale whose lower limit is above the upper one.
    """
    low, high = scale["vmin"], scale["vmax"]
    if low is None and high is not None and image.min() >= high:
        return {**scale, "vmin": high - 1}
    if high is None and low is not None and image.max() <= low:
        return {**scale, "vmax": low + 1}
    return dict(scale)


def _plain_figure(size: tuple[float, float]) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=size, dpi=DPI)


def _pyplot_figure(size: tuple[float, float]) -> "Figure":
    import matplotlib.pyplot as plt

    return plt.figure(figsize=size, dpi=DPI)


def _image_shape(image: npt.NDArray[Any] | None, row: Sequence[npt.NDArray[Any] | None]) -> tuple[int, ...]:
    """Return the height and width of an image; for a gap, those of another image in its row."""
    found = next((one for one in (image, *row) if one is not None), np.zeros((1, 1)))
    return found.shape[:2]

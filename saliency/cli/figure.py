"""DNNBrain's figure: a row of stimuli, and a row of their saliency images for each channel."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.cli.figure_layout import Beside, places
from saliency.io.atomic_write import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure


WIDTH, HEIGHT, ROW = 10.0, 6.0, 1.0  # inches: the least height, and what a row of pictures takes, unless there are too many
MOST = 650.0  # inches of 100 pixels: a JPEG has at most 65,500
GAP = 4 / 72  # inches between a label and its picture
FRAME = 0.8  # points
BAR_GAP = 0.04  # between a map and its colour bar, as a share of its width
BAR = Beside(share=0.086, room=0.55)  # with the numbers of the bar


class Sheet:
    """A figure. All its pictures stand in one Matplotlib ``Axes``: one for each takes longer to make than to draw.

    Args:
        rows: of pictures.
        columns: of pictures.
        show: in a window.
    """

    def __init__(self, rows: int, columns: int, show: bool) -> None:
        self._size = WIDTH, min(max(HEIGHT, ROW * rows), MOST)
        self._shape = rows, columns
        self.figure: Figure = _window(self._size) if show else _figure(self._size)
        self._axes = self.figure.add_axes((0, 0, 1, 1), xlim=(0, self._size[0]), ylim=(self._size[1], 0))
        self._axes.set_axis_off()
        self._axes.set_autoscale_on(False)

    def fill(
        self,
        pictures: Sequence[Image.Image | None],
        maps: Mapping[str, Sequence[npt.NDArray[Any] | None]],
        scale: Mapping[str, Any],
    ) -> None:
        """Draw stimuli and saliency images.

        Args:
            pictures: the n stimuli, as they are in their files; None leaves a gap.
            maps: label of a row -> its n saliency images, None for a gap: uint8, (H, W, 3) colours or (H, W) brightness; or
                floats (H, W), which get a colour bar.
            scale: ``cmap``, ``vmin`` and ``vmax`` of the (H, W) images.
        """
        stimuli = [None if picture is None else np.asarray(picture) for picture in pictures]
        rows = {"stim": stimuli, **maps}
        shapes = np.array([[_shape(image, row) for image in row] for row in rows.values()], float).reshape(*self._shape, 2)
        bars = any(image is not None and image.dtype.kind == "f" for row in rows.values() for image in row)
        boxes = places(self._size, shapes, BAR if bars else Beside())
        for (label, row), line in zip(rows.items(), boxes, strict=True):
            self._label(label, *line[0])
            for image, box in zip(row, line, strict=True):
                if image is not None:
                    self._picture(image, scale, *box)

    def _label(self, label: str, left: float, top: float, _: float, height: float) -> None:
        """Write a row's label, upwards, beside its first picture."""
        upwards: dict[str, Any] = {"rotation": 90, "rotation_mode": "anchor", "ha": "center", "va": "bottom"}
        self._axes.text(left - GAP, top + height / 2, label, **upwards)

    def _picture(
        self, image: npt.NDArray[Any], scale: Mapping[str, Any], left: float, top: float, width: float, height: float
    ) -> None:
        """Draw an image in its frame, and its colour bar if it is one of floats."""
        from matplotlib.patches import Rectangle

        shown = self._axes.imshow(image, extent=(left, left + width, top + height, top), **scale)
        self._axes.add_patch(Rectangle((left, top), width, height, fill=False, linewidth=FRAME))
        if image.dtype.kind == "f":
            whole_width, whole_height = self._size
            start, thick = left + width * (1 + BAR_GAP), width * (BAR.share - BAR_GAP)
            box = start / whole_width, 1 - (top + height) / whole_height, thick / whole_width, height / whole_height
            bar = self.figure.colorbar(shown, cax=self.figure.add_axes(box))
            bar.ax.tick_params(labelsize="x-small")

    def save(self, path: Path, comment: str = "") -> None:
        """Write the figure as a JPEG, 1000 pixels wide, with a comment in it.

        Raises:
            OSError: if it was not written.
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        canvas: Any = FigureCanvasAgg(self.figure)  # which has no types
        canvas.draw()
        picture, encoded = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]), io.BytesIO()
        picture.save(encoded, "JPEG", dpi=(100, 100), comment=comment)
        with atomic_write(path) as temporary:
            temporary.write_bytes(encoded.getvalue())  # Pillow's own writing passes over a full disk

    def show(self) -> None:
        """Show the figure, until its window is closed."""
        import matplotlib.pyplot as plt

        plt.show()
        plt.close(self.figure)


def _figure(size: tuple[float, float]) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=size, dpi=100)


def _window(size: tuple[float, float]) -> "Figure":
    import matplotlib.pyplot as plt

    return plt.figure(figsize=size, dpi=100)


def _shape(image: npt.NDArray[Any] | None, row: Sequence[npt.NDArray[Any] | None]) -> tuple[int, ...]:
    """Return an image's height and width; those of another one in its row where it is lacking."""
    found = next((one for one in (image, *row) if one is not None), np.zeros((1, 1)))
    return found.shape[:2]


def strength(mask: npt.NDArray[Any], mode: str) -> npt.NDArray[Any]:
    """Return what is drawn of a map, in its units: magnitudes (H, W, 3), or the largest (H, W); without colours its values."""
    if mask.ndim == 2:
        return mask
    magnitude: npt.NDArray[Any] = np.abs(mask)
    if mode == "RGB" and len(magnitude) == 3:
        return magnitude.transpose(1, 2, 0)
    return np.asarray(magnitude.max(axis=0))


def saliency_image(mask: npt.NDArray[Any], mode: str) -> npt.NDArray[np.uint8]:
    """Scale a map to a picture as DNNBrain does: from its own minimum to its maximum.

    Args:
        mask: (3, H, W), of which the magnitudes count, or (H, W).
        mode: ``RGB`` keeps the colours, scaled together; ``gray`` keeps the largest of the three.

    Returns:
        (H, W, 3) or (H, W), 0 to 255; zeros for a constant map.
    """
    values = strength(mask, mode)
    low, high = values.min(), values.max()
    scaled = (values - low) / (high - low) if high > low else np.zeros_like(values)
    image: npt.NDArray[np.uint8] = (scaled * 255).astype(np.uint8)
    return image

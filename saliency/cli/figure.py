"""DNNBrain's figure: a row of stimuli, and a row of their saliency images for each channel."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.io.replacing import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


WIDTH, HEIGHT, ROW = 10.0, 6.0, 1.0  # inches: the least height, and what a row of pictures takes, unless there are too many
MARGINS = ("left", "right", "bottom", "top", "wspace", "hspace")
MOST = 650.0  # inches of 100 pixels: a JPEG has at most 65,500


class Sheet:
    """A figure, which may be drawn again with other stimuli: making its axes takes longer than drawing them.

    Args:
        rows: of pictures.
        columns: of pictures.
        show: in a window, for one drawing.
    """

    def __init__(self, rows: int, columns: int, show: bool) -> None:
        size = (WIDTH, min(max(HEIGHT, ROW * rows), MOST))
        self.figure: Figure = _window(size) if show else _figure(size)
        self.shape = rows, columns
        self._axes = self.figure.subplots(rows, columns, squeeze=False)
        for axes in self._axes.flat:
            axes.set_xticks([])
            axes.set_yticks([])
        self._margins = {side: getattr(self.figure.subplotpars, side) for side in MARGINS}
        self._drawn: list[Any] = []

    def fill(
        self,
        pictures: Sequence[Image.Image | None],
        maps: Mapping[str, Sequence[npt.NDArray[Any] | None]],
        scale: Mapping[str, Any],
    ) -> None:
        """Draw stimuli and saliency images, in place of others.

        Args:
            pictures: the n stimuli, as they are in their files; None leaves a gap.
            maps: label of a row -> its n saliency images, None for a gap: uint8, (H, W, 3) colours or (H, W) brightness; or
                floats (H, W), which get a colour bar.
            scale: ``cmap``, ``vmin`` and ``vmax`` of the (H, W) images.
        """
        for old in self._drawn:
            old.remove()
        stimuli = [None if picture is None else np.asarray(picture) for picture in pictures]
        self._drawn = []
        for axes_row, (label, images) in zip(self._axes, [("stim", stimuli), *maps.items()], strict=True):
            axes_row[0].set_ylabel(label)
            for axes, image in zip(axes_row, images, strict=True):
                axes.set_frame_on(image is not None)
                self._drawn += [] if image is None else [axes.imshow(image, **scale)]
        if any(shown.get_array().dtype.kind == "f" for shown in self._drawn):
            self._drawn += [self._bar(shown) for shown in self._drawn]
        self.figure.subplots_adjust(**self._margins)  # or the layout would depend on the one before
        self.figure.tight_layout()

    def _bar(self, shown: Any) -> Any:
        """Draw a colour bar beside an image: one that is not seen beside a stimulus keeps it above its maps."""
        bar = self.figure.colorbar(shown, ax=shown.axes, fraction=0.046, pad=0.04)  # as high as the map, if it is a square
        bar.ax.tick_params(labelsize="x-small")
        bar.ax.set_visible(shown.get_array().dtype.kind == "f")
        return bar

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
        with replacing(path) as temporary:
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

"""DNNBrain's figure: a row of stimuli, and a row of their saliency images for each channel."""

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
MOST = 650.0  # inches of 100 pixels: a JPEG has at most 65,500


def empty_figure(rows: int, show: bool) -> "Figure":
    """Return a figure for so many rows; one that is to be shown has a window."""
    size = (WIDTH, min(max(HEIGHT, ROW * rows), MOST))
    if show:
        import matplotlib.pyplot as plt

        return plt.figure(figsize=size)
    from matplotlib.figure import Figure

    return Figure(figsize=size)


def keep(figure: "Figure", path: Path | None, show: bool) -> None:
    """Save a figure, where a path is given; show it, where that is asked for, until its window is closed."""
    if path is not None:
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=100)
    if show:
        import matplotlib.pyplot as plt

        plt.show()
        plt.close(figure)


def fill(
    figure: "Figure",
    pictures: Sequence[Image.Image],
    maps: Mapping[str, Sequence[npt.NDArray[Any]]],
    scale: Mapping[str, Any],
) -> None:
    """Draw stimuli and saliency images into an empty figure.

    Args:
        figure: of matplotlib.
        pictures: the n stimuli, as they are in their files.
        maps: label of a row -> its n saliency images: uint8, (H, W, 3) colours or (H, W) brightness; or floats (H, W), which
            get a colour bar.
        scale: ``cmap``, ``vmin`` and ``vmax`` of the (H, W) images.
    """
    rows = [("stim", [np.asarray(picture) for picture in pictures]), *maps.items()]
    bars = any(image.dtype.kind == "f" for _, images in rows for image in images)
    for axes_row, (label, images) in zip(figure.subplots(len(rows), len(pictures), squeeze=False), rows, strict=True):
        axes_row[0].set_ylabel(label)
        for axes, image in zip(axes_row, images, strict=True):
            shown = axes.imshow(image, **scale)
            axes.set_xticks([])
            axes.set_yticks([])
            if bars:
                bar = figure.colorbar(shown, ax=axes, fraction=0.046, pad=0.04)  # as high as the map, if it is a square
                bar.ax.tick_params(labelsize="x-small")
                bar.ax.set_visible(image.dtype.kind == "f")  # that of a stimulus keeps it above its maps
    figure.tight_layout()


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

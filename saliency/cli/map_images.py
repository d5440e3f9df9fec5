"""Turn maps into the images of a figure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.core.display.color_scale import SIGNED_COLORS, ColorScale, blend_colors, scale_limit
from saliency.core.display.overlay import ALPHA


@dataclass(frozen=True)
class MapImages:
    """How maps become images.

    Args:
        mode: ``RGB`` keeps the color channels; ``gray`` takes the largest of them.
        percentile: percentile of a map's values that gets the brightest color; larger values are clipped.
        units: return the values in the method's units, for a color bar.
        overlay: draw the map over its stimulus.
        cmap: name of a Matplotlib color map; None selects one for signed maps, and one for strengths.
        scale: ``vmin`` and ``vmax`` on the images' scale of 0 to 255, or None.
        as_dnnbrain: leave the colors of (H, W) images to the figure, from the map's minimum to its maximum.
    """

    mode: str
    percentile: float = 99.0
    units: bool = False
    overlay: bool = False
    cmap: str | None = None
    scale: tuple[float | None, float | None] = (None, None)
    as_dnnbrain: bool = False

    def image(self, mask: npt.NDArray[Any], stimulus: Image.Image) -> npt.NDArray[Any]:
        """Return the image of a map, as ``SaliencyFigure.draw`` accepts it.

        Args:
            mask: (3, H, W) or (H, W), finite.
            stimulus: the picture that the network saw, for an overlay.
        """
        values = displayed_values(mask, self.mode)
        if self.units:
            return values if self.scale != (None, None) else _clipped(values, self.percentile)
        if self.as_dnnbrain or (self.scale != (None, None) and values.ndim == 2):
            return saliency_image(mask, self.mode, self.percentile)
        if values.ndim == 3:
            unit = _unit_range(values, self.percentile)
            colors, opacity = (unit * 255).astype(np.uint8), ALPHA * unit.max(axis=-1)
            return blend_colors(_resized(stimulus, values), colors, opacity) if self.overlay else colors
        scale = ColorScale.of([values], bool((values < 0).any()), self.percentile, self.cmap)
        return scale.blend(_resized(stimulus, values), values, ALPHA) if self.overlay else scale.colors(values)


def _resized(picture: Image.Image, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the colors of a picture, resized to a map, from 0 to 1."""
    return np.asarray(picture.convert("RGB").resize(values.shape[1::-1], Image.Resampling.BILINEAR)) / 255


def _unit_range(values: npt.NDArray[Any], percentile: float) -> npt.NDArray[Any]:
    """Scale values from their minimum and a percentile to 0..1; zeros for a constant map."""
    return ColorScale.of([values], False, percentile).unit(values)


def _clipped(values: npt.NDArray[Any], percentile: float) -> npt.NDArray[Any]:
    """Clip values beyond a percentile of their magnitudes."""
    if percentile == 100:
        return values
    limit = scale_limit(np.abs(values), percentile)
    return values.clip(-limit, limit)


def figure_scale(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``cmap``, ``vmin`` and ``vmax`` of the (H, W) images of a figure."""
    return {"cmap": options["cmap"] or SIGNED_COLORS, "vmin": options["vmin"], "vmax": options["vmax"]}


def displayed_values(mask: npt.NDArray[Any], mode: str) -> npt.NDArray[Any]:
    """Return the values of a map that are drawn, in the method's units.

    Args:
        mask: (3, H, W), whose magnitudes are drawn, or (H, W), which is drawn with its sign.
        mode: ``RGB`` keeps the color channels; ``gray`` takes the largest of them.

    Returns:
        (H, W, 3) or (H, W).
    """
    if mask.ndim == 2:
        return mask
    magnitude: npt.NDArray[Any] = np.abs(mask)
    if mode == "RGB" and len(magnitude) == 3:
        return magnitude.transpose(1, 2, 0)
    return np.asarray(magnitude.max(axis=0))


def saliency_image(mask: npt.NDArray[Any], mode: str, percentile: float = 100.0) -> npt.NDArray[np.uint8]:
    """Scale a map to an image as DNNBrain does, from its own minimum to its maximum over all color channels.

    Args:
        mask: (3, H, W) or (H, W), as for ``displayed_values``.
        mode: ``RGB`` or ``gray``.
        percentile: percentile of the values that takes the place of the maximum.

    Returns:
        (H, W, 3) or (H, W), 0 to 255; zeros for a constant map.
    """
    values = displayed_values(mask, mode)
    image: npt.NDArray[np.uint8] = (_unit_range(values, percentile) * 255).astype(np.uint8)
    return image

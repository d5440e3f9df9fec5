"""The scale of a map: which values get which colors."""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.validation import real_number, shown

HostArray = npt.NDArray[Any]
SIGNED_COLORS, STRENGTH_COLORS = "coolwarm", "inferno"
_diverging: "weakref.WeakValueDictionary[int, HostArray]" = weakref.WeakValueDictionary()


@dataclass(frozen=True)
class ColorScale:
    """The colors of one or several maps (H, W).

    Args:
        low, high: values of the first and the last color; values beyond are clipped.
        cmap: name of a matplotlib colormap.
        signed: whether the scale is symmetric about zero.
    """

    low: float
    high: float
    cmap: str
    signed: bool

    @classmethod
    def of(cls, maps: Sequence[HostArray], signed: bool, percentile: float = 99, cmap: str | None = None) -> "ColorScale":
        """Return the scale of maps: to a percentile of their pixels, from their minimum or, if signed, symmetric about zero.

        Args:
            maps: the maps that share the scale.
            signed: whether their sign is drawn.
            percentile: percentile of the pixels' magnitudes that gets the last color, from 0 to 100.
            cmap: name of a matplotlib colormap; None selects one for signed maps, and one for others.
        """
        values = np.concatenate([one.ravel() for one in maps])
        cmap = cmap or (SIGNED_COLORS if signed else STRENGTH_COLORS)
        if signed:
            limit = scale_limit(np.abs(values), percentile) or 1.0
            return cls(-limit, limit, cmap, signed)
        low, high = float(values.min()), scale_limit(values, percentile)
        return cls(low, high if high > low else low + max(1.0, abs(low)), cmap, signed)  # a constant map has the first color

    def unit(self, values: HostArray) -> HostArray:
        """Return values on the scale: 0 to 1, or -1 to 1 if signed."""
        if self.signed:
            return np.clip(values / self.high, -1, 1)
        return np.clip((values - self.low) / (self.high - self.low), 0, 1)

    def colors(self, values: HostArray) -> npt.NDArray[np.uint8]:
        """Return the colors (H, W, 3) of values (H, W)."""
        unit = self.unit(values)
        return _mapped(self.cmap, (unit + 1) / 2 if self.signed else unit)

    def blend(self, picture: HostArray, values: HostArray, alpha: float) -> npt.NDArray[np.uint8]:
        """Draw values over a picture, whose colors remain where the map is weak.

        Args:
            picture: (H, W, 3) or (H, W), from 0 to 1.
            values: (H, W).
            alpha: opacity of the strongest pixels; that of others is proportional to their strength.

        Returns:
            (H, W, 3). A signed map has two hues, those of the two ends of its scale.
        """
        unit = self.unit(values)
        colors = _mapped(self.cmap, np.where(unit < 0, 0.0, 1.0) if self.signed else unit)
        return blend_colors(picture, colors, alpha * np.abs(unit))

    def clips(self, values: HostArray) -> tuple[bool, bool]:
        """Return whether values lie below the scale, and above it."""
        return bool((values < self.low).any()), bool((values > self.high).any())


def blend_colors(picture: HostArray, colors: npt.NDArray[np.uint8], opacity: Any) -> npt.NDArray[np.uint8]:
    """Return colors (H, W, 3) drawn over a picture (H, W, 3) or (H, W) of 0 to 1 with an opacity, a number or (H, W)."""
    picture = picture[..., None] if picture.ndim == 2 else picture
    opacity = np.asarray(opacity)[..., None]
    blended: npt.NDArray[np.uint8] = np.rint(255 * picture * (1 - opacity) + colors * opacity).astype(np.uint8)
    return blended


def _mapped(cmap: str, unit: HostArray) -> npt.NDArray[np.uint8]:
    from matplotlib import colormaps

    mapped: npt.NDArray[np.uint8] = colormaps[cmap](unit, bytes=True)[..., :3]
    return mapped


def scale_limit(strength: HostArray, percentile: float) -> float:
    """Return the upper end of a color scale: the percentile, or the maximum if the percentile equals the minimum."""
    high = float(np.percentile(strength, real_number("percentile", percentile, 0, 100)))
    return high if high > strength.min() else float(strength.max())


def check_colormap(cmap: Any) -> None:
    """Check the name of a matplotlib colormap, or None.

    Raises:
        InputError: if it is anything else.
    """
    from matplotlib import colormaps

    if cmap is not None and not (isinstance(cmap, str) and cmap in colormaps):
        raise InputError(f"`cmap` (={shown(cmap)}) must be the name of a matplotlib colormap, or None")


def note_diverging(image: HostArray) -> HostArray:
    """Note that an image is on a scale from -1 to 1, even if it has no negative value; return it."""
    _diverging[id(image)] = image
    return image


def is_diverging(image: Any, values: HostArray) -> bool:
    """Return whether an image was noted as one on a scale from -1 to 1, or its values include negative ones."""
    return _diverging.get(id(image)) is image or bool((values < 0).any())

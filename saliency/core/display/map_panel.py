"""Draw one map of a figure, and color bars."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.core.display.color_scale import SIGNED_COLORS, ColorScale
from saliency.core.display.map_style import OUTLINE, MapStyle
from saliency.core.display.outline import strongest_pixels
from saliency.core.display.overlay import ALPHA
from saliency.core.display.picture_colors import check_aspect
from saliency.core.errors import InputError

HostArray = npt.NDArray[Any]
MAX_ASPECT = 4  # arrays longer than this aspect ratio are no images, and fill their panel
OUTLINE_COLORS = {False: "#ffe100", True: "#00e5ff"}
"""Whether a map is signed -> the color of its outline, over a black line that is seen on bright pictures."""


def draw_picture(axes: Any, picture: HostArray) -> None:
    """Draw an input: a line (n,), or an image (H, W) or (H, W, 3) of 0 to 1."""
    if picture.ndim == 1:
        axes.plot(picture, color="black", linewidth=0.8, drawstyle="steps-mid")
    else:
        hide_ticks(axes)
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1, aspect=_aspect(picture))


def draw_map(axes: Any, values: HostArray, scale: ColorScale, style: MapStyle, picture: HostArray | None) -> None:
    """Draw a map (H, W): alone, over its picture, or its outlines.

    Raises:
        InputError: if it is to be drawn over a picture that is missing or has other proportions.
    """
    hide_ticks(axes)
    if not style.overlay:
        axes.imshow(values, cmap=scale.cmap, vmin=scale.low, vmax=scale.high, aspect=_aspect(values), interpolation="nearest")
        return
    if picture is None or picture.ndim < 2:
        raise InputError(f"`overlay` (={style.overlay!r}) needs a picture, and the mask keeps none: pass `image`")
    check_aspect(picture, values.shape)
    large = _resized(values, picture.shape[:2])
    if style.overlay == OUTLINE:
        draw_picture(axes, picture)
        area = strongest_pixels(np.abs(large))
        for color, width in (("black", 2.0), (OUTLINE_COLORS[scale.signed], 1.0)):
            if area.any():
                axes.contour(area, levels=[0.5], colors=color, linewidths=width)
    else:
        axes.imshow(scale.blend(picture, large, ALPHA), aspect=_aspect(values))


def draw_bars(axes: Any, line: HostArray) -> None:
    """Draw a mask of one axis as bars, negative ones in blue."""
    line = np.atleast_1d(line)
    axes.bar(range(len(line)), line, width=1.0, color=["tab:blue" if value < 0 else "tab:red" for value in line])


def draw_color_bar(
    axes: Sequence[Any], maps: Sequence[HostArray], scale: ColorScale, style: MapStyle, label: str, place: str, size: float
) -> None:
    """Draw the color bar of maps that share a scale; an end is pointed if values lie beyond it.

    Args:
        axes: the axes of the maps.
        maps: the maps, (H, W).
        scale: their scale.
        style: how they are drawn; outlines have no color bar.
        label: text beside the bar.
        place: ``"right"``, with the ticks of the values, or ``"bottom"``, with ticks at the ends and at zero.
        size: size of the text in points.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    if style.overlay == OUTLINE:
        return
    below, above = (any(sides) for sides in zip(*map(scale.clips, maps), strict=True))
    extend = "both" if below and above else "min" if below else "max" if above else "neither"
    colors = ScalarMappable(Normalize(scale.low, scale.high), scale.cmap)
    bottom = place == "bottom"
    shape = {"aspect": 12, "pad": 0.03, "shrink": 0.76} if bottom else {"shrink": 0.85}
    bar = axes[0].figure.colorbar(colors, ax=list(axes), location=place, extend=extend, **shape)
    bar.set_label(label, fontsize=size)
    bar.ax.tick_params(labelsize=size, **({"length": 2, "pad": 1} if bottom else {}))
    if not style.units:
        marks = {-1: scale.low, 0: 0.0, 1: scale.high} if scale.signed else {0: scale.low, 1: scale.high}
        bar.set_ticks(list(marks.values()), labels=[str(one) for one in marks])
    elif bottom:
        ends = [scale.low, 0.0, scale.high] if scale.signed else [scale.low, scale.high]
        bar.set_ticks(ends, labels=[f"{end:.2g}".replace("-", "\N{MINUS SIGN}", end < 0) for end in ends])
    else:
        bar.ax.ticklabel_format(style="sci", scilimits=(-2, 3))
        bar.ax.yaxis.get_offset_text().set_fontsize(size)


def sign_words(cmap: str) -> str:
    """Return what the colors of a signed map mean."""
    return "for (red), against (blue)" if cmap == SIGNED_COLORS else "for (+), against (-)"


def hide_ticks(axes: Any) -> None:
    """Hide the ticks and the frame of an image."""
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def _resized(values: HostArray, shape: tuple[int, ...]) -> HostArray:
    """Return a map at the size of its picture, by linear interpolation."""
    if values.shape == shape:
        return values
    peak = float(np.abs(values).max()) or 1.0  # small values are 0 in single precision
    image = Image.fromarray(np.asarray(values / peak, np.float32))
    large: HostArray = peak * np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BILINEAR), np.float64)
    return large


def _aspect(values: HostArray) -> str:
    height, width = values.shape[:2]
    return "auto" if max(height, width) > MAX_ASPECT * min(height, width) else "equal"

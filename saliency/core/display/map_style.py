"""How a figure draws its maps."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from saliency.core.display.color_scale import check_colormap
from saliency.core.errors import InputError
from saliency.core.validation import boolean, real_number, shown

PERCENTILE = 99.0
OUTLINE = "outline"
PANELS = ("input", "strength", "signed")
LAYOUT = "-".join(PANELS)


@dataclass(frozen=True)
class MapStyle:
    """The options that the maps of a figure share.

    Args:
        overlay: draw the maps over the input; ``"outline"`` draws the outlines of their strongest pixels only.
        cmap: name of a matplotlib colormap; None selects one for signed maps, and one for others.
        percentile: percentile of the pixels' magnitudes that gets the last color.
        units: whether the color bars are in the method's unit; if not, they end at 1.
    """

    overlay: Any = False
    cmap: str | None = None
    percentile: float = PERCENTILE
    units: bool = True

    @classmethod
    def of(cls, overlay: Any, cmap: Any, percentile: Any, units: Any) -> "MapStyle":
        """Return checked options.

        Raises:
            InputError: if one of them is invalid.
        """
        if not (isinstance(overlay, bool | np.bool_) or (isinstance(overlay, str) and overlay == OUTLINE)):
            raise InputError(f'`overlay` (={shown(overlay)}) must be True, False or "{OUTLINE}"')
        check_colormap(cmap)
        return cls(overlay, cmap, real_number("percentile", percentile, 0, 100), boolean("units", units))

    def bar_label(self, unit: str) -> str:
        """Return the label of a color bar: the unit, and the percentile at its end."""
        whole = float(self.percentile).is_integer()
        number = f"{self.percentile:.0f}{_ordinal(int(self.percentile))}" if whole else f"{self.percentile:g}th"
        end = "maximum" if self.percentile == 100 else f"{number} percentile"
        return f"{unit} (to {end})".strip() if self.units else f"1: {end}"


def _ordinal(n: int) -> str:
    return "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")


def checked_title(title: Any) -> str | None:
    """Return the title of a figure, or None.

    Raises:
        InputError: if it is no string.
    """
    if title is None or isinstance(title, str):
        return title
    raise InputError(f"`title` (={shown(title)}) must be a string, or None")


def checked_layout(layout: Any) -> list[str]:
    """Return the panels that a layout names.

    Raises:
        InputError: if it names none, one twice, or anything else.
    """
    names = layout.split("-") if isinstance(layout, str) else []
    if not names or len(set(names)) < len(names) or not set(names) <= set(PANELS):
        raise InputError(f'`layout` (={shown(layout)}) must be names of panels joined by "-": "{LAYOUT}", or some of them')
    return names

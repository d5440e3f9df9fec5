"""What a grid of maps consists of: its style, and the masks of each column as they are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from saliency.core.display.described_mask import DescribedMask
from saliency.core.display.map_style import MapStyle
from saliency.core.display.projection import HostArray, MaskProjection

SCALES = ("own", "method", "all")


@dataclass(frozen=True)
class GridStyle:
    """How a grid is drawn.

    Args:
        maps: how its maps are drawn.
        scale: one of ``SCALES``.
        signed: whether maps are drawn with their sign; None decides it for each column.
        width: of the figure, in inches.
    """

    maps: MapStyle
    scale: str
    signed: bool | None
    width: float

    @property
    def has_bar_each_row(self) -> bool:
        """Whether the color bars of a column differ between its rows."""
        return self.scale == "own" and self.maps.units


@dataclass(frozen=True)
class GridColumn:
    """The masks of a column, as they are drawn."""

    masks: Sequence[DescribedMask]
    planes: Sequence[MaskProjection]
    signed: bool

    @classmethod
    def of(cls, masks: Sequence[DescribedMask], signed: bool | None) -> "GridColumn":
        """Reduce masks to two dimensions, and decide whether their sign is drawn."""
        planes = [one.projection for one in masks]
        return cls(masks, planes, any((one.signed < 0).any() for one in planes) if signed is None else signed)

    @property
    def values(self) -> list[HostArray]:
        """The maps, (H, W) or (n,)."""
        return [one.signed if self.signed else one.strength for one in self.planes]

    @property
    def unit(self) -> str:
        """The unit of the maps."""
        return self.masks[0].about.unit

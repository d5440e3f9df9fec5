"""Draw pictures in rows and the maps of several methods in columns."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from saliency.core.display.described_mask import DescribedMask, picture_of
from saliency.core.display.map_style import PERCENTILE, MapStyle, checked_title
from saliency.core.errors import InputError
from saliency.core.validation import boolean, checked_class_names, real_number, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN_WIDTH, MIN_WIDTH, MAX_WIDTH = 1.4, 1.0, 100.0  # inches


def figure(
    masks: Sequence[Any],
    labels: Sequence[str] | None = None,
    image: Any = None,
    class_names: Any = None,
    title: str | None = None,
    overlay: Any = False,
    cmap: str | None = None,
    percentile: float = PERCENTILE,
    units: bool = True,
    scale: str = "own",
    signed: bool | None = None,
    width: float | None = None,
) -> "Figure":
    """Draw a picture, or several in rows, beside the maps of several methods in columns.

    A row is labeled by its class and score; where the columns explain different targets, each map is.

    Args:
        masks: one entry for each column: a mask, N masks as ``GetMasks`` returns them, or a list of N masks, for N rows.
        labels: one title for each column; None uses the names of the methods.
        image: the picture, or a list of N pictures, to draw in place of the input, in the same frame as the masks. None draws
            the input: see ``MaskArray.figure``.
        class_names: names of classes, a list or a mapping from classes to names.
        title: title of the figure; None draws none.
        overlay: draw the maps over the pictures, which keep their colors where a map is weak; ``"outline"`` draws the outlines
            of the strongest 5 % of the pixels of each map, smoothed with 2 % of its shorter side.
        cmap: name of a matplotlib colormap; None selects "coolwarm" for signed maps, otherwise "inferno".
        percentile: percentile of the pixels' magnitudes that gets the last color, from 0 to 100.
        units: label the color bars in the units of the methods; if False, from 0 to 1.
        scale: ``"own"``, a color scale for each map, ``"method"``, one for each column, or ``"all"``, one for the figure,
            which needs masks of one unit.
        signed: draw the sum of each mask over its channels (True), or of its magnitude (False); None draws the sum of
            columns that have negative values.
        width: width of the figure in inches, such as that of a page; None is 1.4 for each column.

    Returns:
        A matplotlib figure. It renders itself in notebooks; ``.savefig("figure.pdf")`` writes it to a file, whose text stays
        text.

    Raises:
        InputError: if the columns differ in their number of masks, or an argument is invalid.
    """
    from saliency.core.display.grid_columns import SCALES, GridStyle
    from saliency.core.display.method_grid import method_grid

    names = checked_class_names({} if class_names is None else class_names)
    columns = _columns(masks, image, names)
    titles = [column[0].about.method for column in columns] if labels is None else labels
    if isinstance(titles, str) or not isinstance(titles, Sequence) or len(titles) != len(columns):
        raise InputError(f"`labels` (={shown(labels)}) must be a list of {len(columns)} titles, one for each of the `masks`")
    if not isinstance(scale, str) or scale not in SCALES:
        raise InputError(f"`scale` (={shown(scale)}) must be one of {', '.join(map(repr, SCALES))}")
    style = MapStyle.of(overlay, cmap, percentile, units)
    signed = None if signed is None else boolean("signed", signed)
    whole = COLUMN_WIDTH * (len(columns) + 1) if width is None else real_number("width", width, MIN_WIDTH, MAX_WIDTH)
    return method_grid(columns, titles, checked_title(title), GridStyle(style, scale, signed, whole))


def _columns(masks: Any, image: Any, names: dict[int, str]) -> list[list[DescribedMask]]:
    """Return the masks of each column, of equal number.

    Raises:
        InputError: if there are none, or their numbers differ.
    """
    if not isinstance(masks, list | tuple) or not masks:
        hint = "; pass [mask] for a single column" if hasattr(masks, "about") else ""
        raise InputError(f"`masks` ({type(masks).__name__}) must be a list of masks, one for each column{hint}")
    rows = [_rows(column) for column in masks]
    n = len(rows[0])
    for k, column in enumerate(rows):
        if len(column) != n or not n:
            raise InputError(f"`masks[{k}]` ({len(column)} masks) must have as many masks as `masks[0]` ({n}), at least one")
    return [
        [DescribedMask.of(one, picture_of(image, i, n), names, f"masks[{k}]") for i, one in enumerate(column)]
        for k, column in enumerate(rows)
    ]


def _rows(column: Any) -> list[Any]:
    about = getattr(column, "about", None)
    return list(column) if isinstance(column, list | tuple) or (about is not None and about.several) else [column]

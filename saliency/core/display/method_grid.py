"""A grid of pictures and maps: a row for each picture, a column for each method."""

import re
import textwrap
from collections.abc import Sequence
from typing import Any

from saliency.core.display.color_scale import ColorScale
from saliency.core.display.described_mask import DescribedMask
from saliency.core.display.drawn_text import drawn_text
from saliency.core.display.figure_record import figure_record
from saliency.core.display.grid_columns import GridColumn, GridStyle
from saliency.core.display.map_panel import draw_bars, draw_color_bar, draw_map, draw_picture, hide_ticks
from saliency.core.display.map_style import OUTLINE, MapStyle
from saliency.core.display.notebook_figure import NotebookFigure
from saliency.core.display.projection import HostArray, MaskProjection
from saliency.core.errors import InputError

TITLE_SIZE, TEXT_SIZE, TICK_SIZE = 8.0, 7.0, 6.0  # points
CHARACTER = 0.58  # mean width of a character, as a share of its size
LINE = 1.3 / 72  # height of a line of text, in inches for each point of its size
BAR_HEIGHT = 0.26  # of a color bar with its ticks, in inches
DPI = 120


def method_grid(
    columns: Sequence[Sequence[DescribedMask]], titles: Sequence[str], heading: str | None, style: GridStyle
) -> NotebookFigure:
    """Draw the pictures of the first column, and the maps of all columns.

    Args:
        columns: N masks for each column.
        titles: a title for each column.
        heading: title of the figure, or None.
        style: how it is drawn.

    Raises:
        InputError: if columns of different units are to share a color scale.
    """
    drawn = [GridColumn.of(masks, style.signed) for masks in columns]
    scales = _scales(drawn, style)
    rows = zip(*(column.planes for column in drawn), strict=True)
    pictures = [next((one.picture for one in row if one.picture is not None), None) for row in rows]
    first = int(any(one is not None for one in pictures))  # a column for the pictures
    figure = NotebookFigure(figsize=(style.width, 1.0), dpi=DPI, layout="compressed", facecolor="white")
    figure.record = figure_record(columns)
    grid = figure.subplots(len(pictures), first + len(drawn), squeeze=False)
    for axes in grid.flat:
        axes.set_anchor("N")  # in a row of pictures with and without color bars
    for axes, picture in zip(grid[:, 0], pictures if first else (), strict=False):
        hide_ticks(axes)
        if picture is not None:
            draw_picture(axes, picture)
    for axes, column, own in zip(grid.T[first:], drawn, scales, strict=True):
        for one, values, plane, scale in zip(axes, column.values, column.planes, own, strict=True):
            _draw_values(one, values, scale, style.maps, plane)
    _draw_bars(grid[:, first:], drawn, scales, style)
    lines = _draw_texts(grid, first, columns, [drawn_text(title) for title in titles], style.width / (first + len(drawn)))
    figure.suptitle(drawn_text(heading or ""), fontsize=TITLE_SIZE + 1)
    figure.set_figheight(_height(style, drawn, style.width / (first + len(drawn)), lines + 1.5 * (heading is not None)))
    return figure


def _scales(columns: Sequence[GridColumn], style: GridStyle) -> list[list[ColorScale]]:
    """Return the scale of each map, by column."""

    def scale(maps: Sequence[HostArray], signed: bool) -> ColorScale:
        return ColorScale.of(maps, signed, style.maps.percentile, style.maps.cmap)

    if style.scale == "own":
        return [[scale([one], column.signed) for one in column.values] for column in columns]
    if style.scale == "method":
        return [[scale(column.values, column.signed)] * len(column.values) for column in columns]
    kinds = {(column.unit, column.signed) for column in columns}
    if len(kinds) > 1:
        found = ", ".join(f"{unit or 'no unit'}{' (signed)' if signed else ''}" for unit, signed in sorted(kinds))
        raise InputError(f"`scale` (='all') needs maps of one unit, with or without sign; these are in {found}")
    shared = scale([one for column in columns for one in column.values], columns[0].signed)
    return [[shared] * len(column.values) for column in columns]


def _draw_values(axes: Any, values: HostArray, scale: ColorScale, style: MapStyle, plane: MaskProjection) -> None:
    if values.ndim == 2:
        draw_map(axes, values, scale, style, plane.picture)
    else:
        draw_bars(axes, values)
        axes.tick_params(labelsize=TICK_SIZE)


def _draw_bars(grid: Any, columns: Sequence[GridColumn], scales: Sequence[Sequence[ColorScale]], style: GridStyle) -> None:
    """Draw the color bars of all maps."""
    if any(one.ndim != 2 for column in columns for one in column.values):
        return
    if style.scale == "all":
        maps = [one for column in columns for one in column.values]
        label = style.maps.bar_label(columns[0].unit)
        draw_color_bar(list(grid.flat), maps, scales[0][0], style.maps, label, "right", TEXT_SIZE)
        return
    for k, column in enumerate(columns):
        values, last = column.values, len(column.values) - 1
        for i in range(len(values)) if style.has_bar_each_row else [last]:
            label = _bar_label(style, column.unit, len(columns)) if i == last else ""
            maps = [values[i]] if style.scale == "own" else values
            draw_color_bar([grid[i, k]], maps, scales[k][i], style.maps, label, "bottom", TICK_SIZE)


def _bar_label(style: GridStyle, unit: str, columns: int) -> str:
    """Return the label below a color bar, in lines."""
    return _wrapped(style.maps.bar_label(unit), _characters(style.width / (columns + 1), TICK_SIZE))


def _draw_texts(
    grid: Any, first: int, columns: Sequence[Sequence[DescribedMask]], titles: Sequence[str], cell: float
) -> float:
    """Draw the titles of the columns, and the targets of the rows; return the number of lines above maps."""
    fitting = _characters(cell, TITLE_SIZE)
    heads = [_wrapped(title, fitting) for title in titles]
    lines = 0.0
    for i, row in enumerate(zip(*columns, strict=True)):
        described = [one for one in row if one.target]  # a plain array has no target
        alike = len({one.target for one in described}) <= 1
        texts = heads if i == 0 else [""] * len(row)
        if alike:
            known = sorted(described or row, key=lambda one: "score" not in one.details and 1 + (not one.score))
            label = known[0].label(int(1.3 * fitting))
            grid[i][0].set_ylabel(drawn_text(label), fontsize=TEXT_SIZE, parse_math=False)
        else:
            texts = ["\n".join(filter(None, [text, one.label(fitting)])) for text, one in zip(texts, row, strict=True)]
        for axes, text in zip(grid[i][first:], texts, strict=True):
            axes.set_title(drawn_text(text), fontsize=TITLE_SIZE, parse_math=alike)  # names of classes hold no formulas
        lines += max(text.count("\n") + bool(text) for text in texts)
    if first:
        grid[0][0].set_title("input", fontsize=TITLE_SIZE)
    return lines


def _characters(cell: float, size: float) -> int:
    """Return how many characters fit into a cell of a width in inches."""
    return max(8, int(72 * (cell - 0.12) / size / CHARACTER))


def _wrapped(title: str, width: int) -> str:
    """Return a title in lines; the name of a class that is too long is divided into its words."""
    words = title if len(title) <= width else re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", title)
    return "\n".join(textwrap.wrap(words, width, break_long_words=False)) if words else ""


def _height(style: GridStyle, columns: Sequence[GridColumn], cell: float, lines: float) -> float:
    """Return the height of the figure, in inches, that leaves no empty space."""
    shapes = [one.shape if one.ndim == 2 else (3, 4) for one in columns[0].values]
    rows = sum((cell - 0.12) * min(4.0, max(0.25, height / width)) + 0.08 for height, width in shapes)
    below = [_bar_label(style, column.unit, len(columns)).count("\n") + 1 for column in columns]
    bars = 0 if style.scale == "all" or style.maps.overlay == OUTLINE else len(shapes) if style.has_bar_each_row else 1
    texts = LINE * (TICK_SIZE * max(below) * bool(bars) + TITLE_SIZE * lines)
    return float(rows + BAR_HEIGHT * bars + texts + 0.1)

"""Draw masks beside their inputs, with scales, targets and scores."""

from collections.abc import Callable, Sequence
from typing import Any

from saliency.core.display.color_scale import ColorScale
from saliency.core.display.described_mask import DescribedMask
from saliency.core.display.drawn_text import drawn_text
from saliency.core.display.figure_record import figure_record
from saliency.core.display.map_panel import draw_bars, draw_color_bar, draw_map, draw_picture, sign_words
from saliency.core.display.map_style import OUTLINE, MapStyle
from saliency.core.display.notebook_figure import NotebookFigure
from saliency.core.display.projection import MaskProjection
from saliency.core.display.region_outlines import draw_region_outlines

PANEL_HEIGHT = 2.2  # height of a panel, in inches
DPI = 80
TITLE_SIZE, TEXT_SIZE = 8, 7  # points

Panel = Callable[[Any, DescribedMask, MaskProjection, MapStyle], None]


def mask_figure(
    masks: Sequence[DescribedMask], total: int | None, style: MapStyle, layout: Sequence[str], title: str | None
) -> NotebookFigure:
    """Draw one row for each mask, with the panels of the layout.

    The signed mask is left out where it has no negative value, unless it is the only map of the layout.

    Args:
        masks: the masks to draw.
        total: the number of all masks, of which ``masks`` are the first; None for a single mask.
        style: how maps are drawn.
        layout: names of panels.
        title: title of the figure; None states the method, the target and the score.
    """
    projections = [one.projection for one in masks]
    panels = [_panels(projection, layout) for projection in projections]
    columns, several = max(map(len, panels)), total is not None
    figure = NotebookFigure(
        figsize=(1.25 * PANEL_HEIGHT * columns, PANEL_HEIGHT * len(masks) + 0.3 * several),
        dpi=DPI,
        layout="constrained",
        facecolor="white",
    )
    figure.record = figure_record([masks])
    heading = caption(masks, total) if title is None else title
    if several:
        figure.suptitle(drawn_text(heading), fontsize=9)
    parts = figure.subfigures(len(masks), 1, squeeze=False).flat
    for part, one, projection, draws in zip(parts, masks, projections, panels, strict=True):
        text = ", ".join(filter(None, [one.title if several else heading, projection.slices]))
        part.suptitle(drawn_text(text), fontsize=9, parse_math=not several and title is not None)  # names hold no formulas
        for axes, draw in zip(part.subplots(1, columns, squeeze=False)[0], draws + [_draw_nothing] * columns, strict=False):
            draw(axes, one, projection, style)
    return figure


def caption(masks: Sequence[DescribedMask], total: int | None) -> str:
    """Return the title of the figure; arguments as for ``mask_figure``."""
    first = masks[0]
    if total is None:
        return ": ".join(filter(None, [first.about.method, first.title]))
    shown = f"{total} masks" if total <= len(masks) else f"the first {len(masks)} of {total} masks"
    return f"{first.about.method}: {shown}"


def _panels(projection: MaskProjection, layout: Sequence[str]) -> list[Panel]:
    """Return the panels of a row, in the order of the layout."""
    maps = [name for name in layout if name != "input"]
    if projection.strength.ndim < 2:
        return [*([_draw_input] if "input" in layout else []), *([_draw_line] if maps else [])]
    unsigned = maps != ["signed"] and not (projection.signed < 0).any()
    draws = {"input": _draw_input, "strength": _draw_strength, "signed": _draw_signs}
    return [draws[name] for name in layout if not (name == "signed" and unsigned)]


def _draw_nothing(axes: Any, *_: Any) -> None:
    axes.set_axis_off()


def _draw_input(axes: Any, one: DescribedMask, projection: MaskProjection, style: MapStyle) -> None:  # noqa: ARG001 - a panel
    if projection.picture is None:
        axes.set_axis_off()
        return
    draw_picture(axes, projection.picture)
    axes.set_title("input", fontsize=TITLE_SIZE)
    axes.tick_params(labelsize=TEXT_SIZE)


def _draw_line(axes: Any, one: DescribedMask, projection: MaskProjection, style: MapStyle) -> None:
    draw_bars(axes, projection.signed)
    axes.set_title("mask", fontsize=TITLE_SIZE)
    axes.tick_params(labelsize=TEXT_SIZE)
    if style.units and one.about.unit:
        axes.set_ylabel(one.about.unit, fontsize=TEXT_SIZE)


def _draw_strength(axes: Any, one: DescribedMask, projection: MaskProjection, style: MapStyle) -> None:
    scale = ColorScale.of([projection.strength], False, style.percentile, style.cmap)
    _draw_scaled(axes, one, projection, style, scale, "strength")


def _draw_signs(axes: Any, one: DescribedMask, projection: MaskProjection, style: MapStyle) -> None:
    signed = ColorScale.of([projection.strength], True, style.percentile, style.cmap)  # one unit for both panels
    _draw_scaled(axes, one, projection, style, signed, sign_words(signed.cmap))


def _draw_scaled(
    axes: Any, one: DescribedMask, projection: MaskProjection, style: MapStyle, scale: ColorScale, title: str
) -> None:
    values = projection.signed if scale.signed else projection.strength
    draw_map(axes, values, scale, style, projection.picture)
    labels = one.regions
    if labels is not None and labels.shape == values.shape and style.overlay != OUTLINE:
        over = projection.picture if style.overlay and projection.picture is not None else values
        draw_region_outlines(axes, labels, over.shape)
    draw_color_bar([axes], [values], scale, style, style.bar_label(one.about.unit), "right", TEXT_SIZE)
    axes.set_title(title, fontsize=TITLE_SIZE)

"""Draw masks beside their inputs, with scales, targets and scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from saliency.core.display.notebook_figure import NotebookFigure
from saliency.core.display.projection import HostArray, MaskProjection
from saliency.core.display.provenance import Provenance
from saliency.core.display.visualization import scale_limit

PANEL_HEIGHT = 2.2  # height of a panel, in inches
DPI = 80
PERCENTILE = 99  # of the pixels lie within the scale, as in VisualizeImageGrayscale
MAX_ASPECT = 4  # arrays longer than this aspect ratio are no images, and fill their panel

Panel = Callable[[Any, MaskProjection], None]


@dataclass(frozen=True)
class DescribedMask:
    """One mask and its description.

    Args:
        values: the mask, of any shape.
        about: the method, the target and the input.
        details: what the method recorded, by name.
    """

    values: HostArray
    about: Provenance
    details: Mapping[str, Any]

    @property
    def title(self) -> str:
        """The description of the target, with its score if it is known."""
        names = {"score": "score", "mean_score": "mean score of the noisy copies"}
        scores = [f"{words} {float(self.details[name]):+.3g}" for name, words in names.items() if name in self.details]
        return ", ".join([self.about.targets[0], *scores])


def mask_figure(masks: Sequence[DescribedMask], total: int | None) -> NotebookFigure:
    """Draw one row for each mask: the input, the strength, and the signed mask if it has negative values.

    Args:
        masks: the masks to draw.
        total: the number of all masks, of which ``masks`` are the first; None for a single mask.
    """
    projections = [MaskProjection.of(one.values, one.about.input(0), one.about.channel_axis) for one in masks]
    panels = [_panels(projection) for projection in projections]
    columns, several = max(map(len, panels)), total is not None
    figure = NotebookFigure(
        figsize=(1.2 * PANEL_HEIGHT * columns, PANEL_HEIGHT * len(masks) + 0.3 * several),
        dpi=DPI,
        layout="constrained",
        facecolor="white",
    )
    if several:
        figure.suptitle(caption(masks, total), fontsize=9)
    parts = figure.subfigures(len(masks), 1, squeeze=False).flat
    for part, one, projection, draws in zip(parts, masks, projections, panels, strict=True):
        title = one.title if several else caption(masks, total)
        part.suptitle(f"{title}, {projection.slices}" if projection.slices else title, fontsize=9)
        for axes, draw in zip(part.subplots(1, columns, squeeze=False)[0], draws + [_draw_nothing] * columns, strict=False):
            draw(axes, projection)
    return figure


def caption(masks: Sequence[DescribedMask], total: int | None) -> str:
    """Return the title of the figure; arguments as for ``mask_figure``."""
    first = masks[0]
    if total is None:
        return f"{first.about.method}: {first.title}"
    shown = f"{total} masks" if total <= len(masks) else f"the first {len(masks)} of {total} masks"
    return f"{first.about.method}: {shown}"


def _panels(projection: MaskProjection) -> list[Panel]:
    """Return the panels of a row: the input, the strength, and the signed mask if it has negative values."""
    if projection.strength.ndim < 2:
        return [_draw_input, _draw_bars]
    return [_draw_input, _draw_strength, _draw_signs] if (projection.signed < 0).any() else [_draw_input, _draw_strength]


def _draw_nothing(axes: Any, projection: MaskProjection) -> None:  # noqa: ARG001 - a panel, as the others
    axes.set_axis_off()


def _draw_input(axes: Any, projection: MaskProjection) -> None:
    picture = projection.picture
    if picture is None:
        _draw_nothing(axes, projection)
        return
    axes.set_title("input", fontsize=8)
    if picture.ndim == 1:
        axes.plot(picture, color="black", linewidth=0.8, drawstyle="steps-mid")
        axes.tick_params(labelsize=7)
    else:
        axes.set_axis_off()
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1, aspect=_aspect(picture))


def _draw_bars(axes: Any, projection: MaskProjection) -> None:
    line = np.atleast_1d(projection.signed)
    axes.bar(range(len(line)), line, width=1.0, color=["tab:blue" if value < 0 else "tab:red" for value in line])
    axes.set_title("mask", fontsize=8)
    axes.tick_params(labelsize=7)


def _draw_strength(axes: Any, projection: MaskProjection) -> None:
    low, high = float(projection.strength.min()), scale_limit(projection.strength, PERCENTILE)
    _draw_map(axes, projection.strength, "strength", "inferno", low, high, "max")


def _draw_signs(axes: Any, projection: MaskProjection) -> None:
    span = scale_limit(projection.strength, PERCENTILE)
    _draw_map(axes, projection.signed, "for (red), against (blue)", "coolwarm", -span, span, "both")


def _draw_map(axes: Any, values: HostArray, title: str, cmap: str, low: float, high: float, beyond: str) -> None:
    image = axes.imshow(values, cmap=cmap, vmin=low, vmax=high if high > low else low + 1.0, aspect=_aspect(values))
    clipped = bool((values > high).any() or (values < low).any())
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.85, extend=beyond if clipped else "neither")
    bar.ax.tick_params(labelsize=7)
    bar.ax.ticklabel_format(style="sci", scilimits=(-2, 3))
    bar.ax.yaxis.get_offset_text().set_fontsize(7)
    axes.set_title(title, fontsize=8)
    axes.set_axis_off()


def _aspect(values: HostArray) -> str:
    height, width = values.shape[:2]
    return "auto" if max(height, width) > MAX_ASPECT * min(height, width) else "equal"

"""Draw masks beside their inputs, with scales, targets and scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from saliency.core.display.notebook_figure import NotebookFigure
from saliency.core.display.projection import Host, MaskProjection
from saliency.core.display.provenance import Provenance
from saliency.core.display.visualization import ceiling

SIDE = 2.2  # height of a panel, in inches
DPI = 80
PERCENTILE = 99  # of the pixels lie within the scale, as in VisualizeImageGrayscale
LONG = 4  # arrays longer than this aspect ratio are no images, and fill their panel

Panel = Callable[[Any, MaskProjection], None]


@dataclass(frozen=True)
class DescribedMask:
    """One mask and its description.

    Args:
        values: the mask, of any shape.
        about: the method, the target and the input.
        details: what the method found out, by name.
    """

    values: Host
    about: Provenance
    details: Mapping[str, Any]

    @property
    def title(self) -> str:
        """The target in words, with the score where it is known."""
        names = {"score": "score", "mean_score": "mean score of the noisy copies"}
        scores = [f"{words} {float(self.details[name]):+.3g}" for name, words in names.items() if name in self.details]
        return ", ".join([self.about.targets[0], *scores])


def mask_figure(masks: Sequence[DescribedMask], total: int | None) -> NotebookFigure:
    """Draw masks, a row each: the input, the strength, and the signs where the mask has both.

    Args:
        masks: the masks that are drawn.
        total: the number of masks of which these are the first; None for a single mask.
    """
    projections = [MaskProjection.of(one.values, one.about.input(0), one.about.channel_axis) for one in masks]
    panels = [_panels(projection) for projection in projections]
    columns, several = max(map(len, panels)), total is not None
    figure = NotebookFigure(
        figsize=(1.2 * SIDE * columns, SIDE * len(masks) + 0.3 * several), dpi=DPI, layout="constrained", facecolor="white"
    )
    if several:
        figure.suptitle(caption(masks, total), fontsize=9)
    parts = figure.subfigures(len(masks), 1, squeeze=False).flat
    for part, one, projection, draws in zip(parts, masks, projections, panels, strict=True):
        title = one.title if several else caption(masks, total)
        part.suptitle(f"{title}, {projection.slices}" if projection.slices else title, fontsize=9)
        for axes, draw in zip(part.subplots(1, columns, squeeze=False)[0], draws + [_nothing] * columns, strict=False):
            draw(axes, projection)
    return figure


def caption(masks: Sequence[DescribedMask], total: int | None) -> str:
    """Return in one line what the figure shows; arguments as for ``mask_figure``."""
    first = masks[0]
    if total is None:
        return f"{first.about.method}: {first.title}"
    shown = f"{total} masks" if total <= len(masks) else f"the first {len(masks)} of {total} masks"
    return f"{first.about.method}: {shown}"


def _panels(projection: MaskProjection) -> list[Panel]:
    """Return what there is to draw: the input, the strength, and the signs where there are two."""
    if projection.strength.ndim < 2:
        return [_input, _bars]
    return [_input, _strength, _signs] if (projection.signed < 0).any() else [_input, _strength]


def _nothing(axes: Any, projection: MaskProjection) -> None:  # noqa: ARG001 - a panel, as the others
    axes.set_axis_off()


def _input(axes: Any, projection: MaskProjection) -> None:
    picture = projection.picture
    if picture is None:
        _nothing(axes, projection)
        return
    axes.set_title("input", fontsize=8)
    if picture.ndim == 1:
        axes.plot(picture, color="black", linewidth=0.8, drawstyle="steps-mid")
        axes.tick_params(labelsize=7)
    else:
        axes.set_axis_off()
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1, aspect=_aspect(picture))


def _bars(axes: Any, projection: MaskProjection) -> None:
    line = np.atleast_1d(projection.signed)
    axes.bar(range(len(line)), line, width=1.0, color=["tab:blue" if value < 0 else "tab:red" for value in line])
    axes.set_title("mask", fontsize=8)
    axes.tick_params(labelsize=7)


def _strength(axes: Any, projection: MaskProjection) -> None:
    low, high = float(projection.strength.min()), ceiling(projection.strength, PERCENTILE)
    _map(axes, projection.strength, "strength", "inferno", low, high, "max")


def _signs(axes: Any, projection: MaskProjection) -> None:
    span = ceiling(projection.strength, PERCENTILE)
    _map(axes, projection.signed, "for (red), against (blue)", "coolwarm", -span, span, "both")


def _map(axes: Any, values: Host, title: str, cmap: str, low: float, high: float, beyond: str) -> None:
    image = axes.imshow(values, cmap=cmap, vmin=low, vmax=high if high > low else low + 1.0, aspect=_aspect(values))
    clipped = bool((values > high).any() or (values < low).any())
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.85, extend=beyond if clipped else "neither")
    bar.ax.tick_params(labelsize=7)
    bar.ax.ticklabel_format(style="sci", scilimits=(-2, 3))
    bar.ax.yaxis.get_offset_text().set_fontsize(7)
    axes.set_title(title, fontsize=8)
    axes.set_axis_off()


def _aspect(values: Host) -> str:
    height, width = values.shape[:2]
    return "auto" if max(height, width) > LONG * min(height, width) else "equal"

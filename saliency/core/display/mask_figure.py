"""A mask that shows itself: the input, the mask with its scale, the target and the score."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from saliency.core.display.notebook_figure import NotebookFigure
from saliency.core.display.projection import Host, MaskProjection
from saliency.core.display.provenance import Provenance
from saliency.core.display.visualization import ceiling

if TYPE_CHECKING:
    from saliency.core.result import MaskArray

SIDE = 2.2  # inches of a panel
DPI = 80
PERCENTILE = 99  # of the pixels are within the scale, as in VisualizeImageGrayscale
LONG = 4  # times as long as high is no picture any more, and fills its panel

Panel = Callable[[Any, MaskProjection], None]


def mask_figure(mask: "MaskArray", rows: int) -> NotebookFigure:
    """Draw a mask, or the first of N; see ``MaskArray.figure``."""
    about = _about(mask)
    if rows < 1:
        raise ValueError(f"`rows` (={rows!r}) must be 1 or more")
    shown = [mask[i] for i in range(min(rows, len(mask)))] if about.several else [mask]
    planes = [MaskProjection.of(np.asarray(one), _about(one).input(0), about.channel_axis) for one in shown]
    panels = [_panels(plane) for plane in planes]
    columns = max(map(len, panels))
    figure = NotebookFigure(
        figsize=(1.2 * SIDE * columns, SIDE * len(shown) + 0.3 * about.several),
        dpi=DPI,
        layout="constrained",
        facecolor="white",
    )
    if about.several:
        figure.suptitle(caption(mask, rows), fontsize=9)
    for part, one, plane, draws in zip(
        figure.subfigures(len(shown), 1, squeeze=False).flat, shown, planes, panels, strict=True
    ):
        title = describe_mask(one) if about.several else caption(one, rows)
        part.suptitle(f"{title}, {plane.slices}" if plane.slices else title, fontsize=9)
        every = part.subplots(1, columns, squeeze=False)[0]
        for axes, draw in zip(every, draws + [_nothing] * columns, strict=False):
            draw(axes, plane)
    return figure


def caption(mask: "MaskArray", rows: int) -> str:
    """Return in a line what the figure shows."""
    about = _about(mask)
    if not about.several:
        return f"{about.method}: {describe_mask(mask)}"
    return f"{about.method}: " + (f"{len(mask)} masks" if len(mask) <= rows else f"the first {rows} of {len(mask)} masks")


def describe_mask(mask: "MaskArray") -> str:
    """Return one mask's target in words, with the score where it is known."""
    names = {"score": "score", "mean_score": "mean score of the noisy copies"}
    scores = [f"{words} {float(mask.details[name]):+.3g}" for name, words in names.items() if name in mask.details]
    return ", ".join([_about(mask).targets[0], *scores])


def _about(mask: "MaskArray") -> Provenance:
    if mask.about is None:
        raise ValueError("`mask` must be as a method returned it; what a part of one is of is not known: draw it with show")
    return mask.about


def _panels(plane: MaskProjection) -> list[Panel]:
    """Return what there is to draw: the input, the strength, and the signs where there are two."""
    if plane.strength.ndim < 2:
        return [_input, _bars]
    return [_input, _strength, _signs] if (plane.signed < 0).any() else [_input, _strength]


def _nothing(axes: Any, plane: MaskProjection) -> None:  # noqa: ARG001 - a panel, as the others
    axes.set_axis_off()


def _input(axes: Any, plane: MaskProjection) -> None:
    picture = plane.picture
    if picture is None:
        _nothing(axes, plane)
        return
    axes.set_title("input", fontsize=8)
    if picture.ndim == 1:
        axes.plot(picture, color="black", linewidth=0.8, drawstyle="steps-mid")
        axes.tick_params(labelsize=7)
    else:
        axes.set_axis_off()
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1, aspect=_aspect(picture))


def _bars(axes: Any, plane: MaskProjection) -> None:
    line = np.atleast_1d(plane.signed)
    axes.bar(range(len(line)), line, width=1.0, color=["tab:blue" if value < 0 else "tab:red" for value in line])
    axes.set_title("mask", fontsize=8)
    axes.tick_params(labelsize=7)


def _strength(axes: Any, plane: MaskProjection) -> None:
    low, high = float(plane.strength.min()), ceiling(plane.strength, PERCENTILE)
    _map(axes, plane.strength, "strength", "inferno", low, high, "max")


def _signs(axes: Any, plane: MaskProjection) -> None:
    span = ceiling(plane.strength, PERCENTILE)
    _map(axes, plane.signed, "for (red), against (blue)", "coolwarm", -span, span, "both")


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

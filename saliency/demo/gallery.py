"""Pictures of scenes with their maps beside them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from saliency.core.display.visualization import VisualizeImageGrayscale
from saliency.demo.figures import Question, on_object

Host = npt.NDArray[Any]
TILE = 1.55  # inches
INK, OUTLINE = "#222222", "#35e0ff"


def gallery(asked: Sequence[Question], labels: Sequence[str], bands: Mapping[str, Mapping[str, Host]], heading: str) -> Figure:
    """Draw, for each band of maps, a row per question: the scene, then its maps, the asked-for object outlined.

    Args:
        asked: N questions.
        labels: one a row, such as the digit and the score.
        bands: title of a band -> name of a map -> (N, H, W).
        heading: above all of it.

    Returns:
        A matplotlib figure; under each map the share of it that lies on the object, with a star where its maximum does.
    """
    rows, columns = len(asked), 1 + max(len(found) for found in bands.values())
    size = (TILE * columns + 0.9, ((TILE + 0.2) * rows + 0.6) * len(bands) + 0.5)
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    figure.suptitle(heading, fontsize=13, color=INK)
    for part, (title, found) in zip(figure.subfigures(len(bands), 1, squeeze=False).flat, bands.items(), strict=True):
        if title:
            part.suptitle(title, fontsize=11, color=INK, x=0.01, ha="left", weight="bold")
        _band(part.subplots(rows, columns, squeeze=False), asked, labels, found)
    return figure


def _band(grid: Any, asked: Sequence[Question], labels: Sequence[str], found: Mapping[str, Host]) -> None:
    for row, question in enumerate(asked):
        _tile(grid[row][0], np.asarray(question.scene.picture), question, "")
        grid[row][0].set_ylabel(labels[row], fontsize=9, color=INK)
        for axes, strengths in zip(grid[row][1:], found.values(), strict=False):
            hit, share = on_object(strengths[row], question.where)
            _tile(axes, VisualizeImageGrayscale(strengths[row]), question, f"{share:.0%}{' ★' if hit else ''}")
        for axes in grid[row][1 + len(found) :]:
            axes.set_axis_off()
    for axes, name in zip(grid[0], ["scene", *found], strict=False):
        axes.set_title(name if "\n" in name else name.replace(" + ", "\n+ "), fontsize=9, color=INK)


def _tile(axes: Any, picture: Host, question: Question, caption: str) -> None:
    axes.imshow(picture, cmap="inferno", vmin=0, vmax=1 if picture.ndim == 2 else None)
    if question.where.any():
        axes.contour(question.where, levels=[0.5], colors=OUTLINE, linewidths=0.7)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(caption, fontsize=8, color=INK, labelpad=2)
    for side in axes.spines.values():
        side.set_visible(False)

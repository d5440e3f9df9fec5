"""Draw scenes next to their saliency maps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from saliency.core.display.visualization import VisualizeImageGrayscale
from saliency.demo.localization import SceneTarget, localization_scores

NumpyArray = npt.NDArray[Any]
TILE = 1.55  # inches
INK, OUTLINE = "#222222", "#35e0ff"


def draw_gallery(
    targets: Sequence[SceneTarget], labels: Sequence[str], sections: Mapping[str, Mapping[str, NumpyArray]], heading: str
) -> Figure:
    """Draw one row per target in each section: the scene, then its maps, with the target's object outlined.

    Args:
        targets: N targets.
        labels: labels of the rows, such as the digit and the logit.
        sections: title of a section -> name of a map -> (N, H, W).
        heading: title of the figure.

    Returns:
        A matplotlib figure. The caption of each map is the share of its sum on the object, with a star if its maximum is on
        the object.
    """
    rows, columns = len(targets), 1 + max(len(maps) for maps in sections.values())
    size = (TILE * columns + 0.9, ((TILE + 0.2) * rows + 0.6) * len(sections) + 0.5)
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    figure.suptitle(heading, fontsize=13, color=INK)
    for part, (title, maps) in zip(figure.subfigures(len(sections), 1, squeeze=False).flat, sections.items(), strict=True):
        if title:
            part.suptitle(title, fontsize=11, color=INK, x=0.01, ha="left", weight="bold")
        _draw_section(part.subplots(rows, columns, squeeze=False), targets, labels, maps)
    return figure


def _draw_section(grid: Any, targets: Sequence[SceneTarget], labels: Sequence[str], maps: Mapping[str, NumpyArray]) -> None:
    for row, target in enumerate(targets):
        _draw_tile(grid[row][0], np.asarray(target.scene.picture), target, "")
        grid[row][0].set_ylabel(labels[row], fontsize=9, color=INK)
        for axes, strengths in zip(grid[row][1:], maps.values(), strict=False):
            hit, share = localization_scores(strengths[row], target.object_mask)
            _draw_tile(axes, VisualizeImageGrayscale(strengths[row]), target, f"{share:.0%}{' ★' if hit else ''}")
        for axes in grid[row][1 + len(maps) :]:
            axes.set_axis_off()
    for axes, name in zip(grid[0], ["scene", *maps], strict=False):
        axes.set_title(name if "\n" in name else name.replace(" + ", "\n+ "), fontsize=9, color=INK)


def _draw_tile(axes: Any, picture: NumpyArray, target: SceneTarget, caption: str) -> None:
    axes.imshow(picture, cmap="inferno", vmin=0, vmax=1 if picture.ndim == 2 else None)
    if target.object_mask.any():
        axes.contour(target.object_mask, levels=[0.5], colors=OUTLINE, linewidths=0.7)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(caption, fontsize=8, color=INK, labelpad=2)
    for side in axes.spines.values():
        side.set_visible(False)

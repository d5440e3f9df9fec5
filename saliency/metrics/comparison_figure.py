"""The figure of a comparison: means of methods with their intervals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ARROWS = {True: " (higher is better)", False: " (lower is better)", None: ""}


def comparison_figure(table: pd.DataFrame, methods: Sequence[str], directions: Mapping[str, bool | None]) -> "Figure":
    """Draw a dot with its interval for each method, and in gray for each control.

    Args:
        table: methods and controls by metrics and statistics; see ``Comparison.table``.
        methods: names of the methods.
        directions: the metrics, and whether higher is better.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 + 2.6 * len(directions), 1.2 + 0.28 * len(table)), layout="constrained")
    panels = figure.subplots(1, len(directions), sharey=True, squeeze=False)[0]
    for panel, (metric, direction) in zip(panels, directions.items(), strict=True):
        _draw_panel(panel, table[metric], methods)
        panel.set_title(f"{metric}\n{ARROWS[direction].strip()}", fontsize="medium")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(table)), table.index)
    panels[0].invert_yaxis()
    return figure


def _draw_panel(panel: Any, statistics: pd.DataFrame, methods: Sequence[str]) -> None:
    for place, (name, row) in enumerate(statistics.iterrows()):
        color = "C0" if name in methods else "0.6"
        panel.plot([row["low"], row["high"]], [place, place], color=color, linewidth=2)
        panel.plot(row["mean"], place, "o", color=color)
    controls = [place for place, name in enumerate(statistics.index) if name not in methods]
    if controls and np.isfinite(statistics["mean"]).any():
        panel.axhline(min(controls) - 0.5, color="0.8", linewidth=0.8)

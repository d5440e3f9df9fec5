"""The figure of a metric's values."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saliency.metrics.curve import Curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def metric_figure(
    metric: str, values: npt.NDArray[np.float64], mean: float, error: float, curve: Curve | None, title: str
) -> "Figure":
    """Draw curves, or values if there are no curves.

    Args:
        metric: name of the metric.
        values: (N,).
        mean, error: of the values, with the standard error of the mean.
        curve: the N curves, or None.
        title: title of the figure.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, fontsize="small", wrap=True)
    if curve is None:
        _draw_values(axes, metric, values, mean, error)
    else:
        _draw_curves(axes, curve)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize="small")
    return figure


def _draw_curves(axes: Any, curve: Curve) -> None:
    defined = curve.y[~np.isnan(curve.y).any(axis=1)]
    axes.plot(curve.x, curve.y.T, color="0.75", linewidth=0.8)
    mean = defined.mean(axis=0) if len(defined) else np.full(len(curve.x), np.nan)
    if len(defined) > 1:
        error = defined.std(axis=0, ddof=1) / np.sqrt(len(defined))
        axes.fill_between(curve.x, mean - error, mean + error, alpha=0.3, label="standard error")
    axes.plot(curve.x, mean, linewidth=2, label="mean")
    axes.set(xlabel=curve.x_label, ylabel=curve.y_label)


def _draw_values(axes: Any, metric: str, values: npt.NDArray[np.float64], mean: float, error: float) -> None:
    axes.plot(np.arange(len(values)), values, "o", color="0.5", label="maps")
    axes.axhline(mean, label="mean")
    if np.isfinite(error):
        axes.axhspan(mean - error, mean + error, alpha=0.3, label="standard error")
    axes.set(xlabel="map", ylabel=metric)

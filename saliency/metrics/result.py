"""The result of a metric: a value for each map, with the mean and its standard error."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saliency.metrics.curve import Curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class MetricResult:
    """The values of a metric for N maps.

    Args:
        metric: the name of the metric.
        value: (N,); NaN where the metric is undefined for a map, as its docstring states.
        higher_is_better: whether larger values mean better maps; None if neither direction is better.
        curve: the curves that the values are computed from, if there are any.
        details: further results by name, one row for each map.
    """

    metric: str
    value: npt.NDArray[np.float64]
    higher_is_better: bool | None
    curve: Curve | None = None
    details: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """The mean over the maps with a defined value; NaN if there is none."""
        defined = self.value[~np.isnan(self.value)]
        return float(defined.mean()) if len(defined) else float("nan")

    @property
    def standard_error(self) -> float:
        """The standard error of the mean over maps; NaN for fewer than two, because one map has no spread."""
        defined = self.value[~np.isnan(self.value)]
        return float(defined.std(ddof=1) / np.sqrt(len(defined))) if len(defined) > 1 else float("nan")

    def figure(self) -> "Figure":
        """Draw the curves with their mean, or else the values with their mean and its standard error.

        Returns:
            A matplotlib figure. It renders itself in notebooks; ``.savefig(path)`` writes it to a file.
        """
        from saliency.metrics.metric_figure import metric_figure

        return metric_figure(self.metric, self.value, self.mean, self.standard_error, self.curve, repr(self))

    def __repr__(self) -> str:
        direction = {True: ", higher is better", False: ", lower is better", None: ""}[self.higher_is_better]
        error = f" +- {self.standard_error:.3g}" if np.isfinite(self.standard_error) else ""
        return f"{self.metric}: {self.mean:.4g}{error} (mean of {len(self.value)} maps{direction})"

"""The result of a comparison: means, intervals, ranks and tests of methods, beside their controls."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from saliency.metrics.compared_maps import CONTROLS, blurred
from saliency.metrics.paired_tests import bootstrap_interval, holm, sign_flip_test

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIGNIFICANCE = 0.05
"""The corrected p-value below which two methods differ."""


@dataclass(frozen=True)
class Comparison:
    """Metrics of methods and controls on the same images.

    Args:
        values: columns ``picture``, ``method``, ``metric`` and ``value``, a row for each value.
        methods: names of the methods, without controls.
        directions: for each metric whether higher is better; None if neither direction is.
        seed: of the bootstrap and the tests.
    """

    values: pd.DataFrame
    methods: tuple[str, ...]
    directions: dict[str, bool | None]
    seed: int = 0

    @cached_property
    def table(self) -> pd.DataFrame:
        """The statistics of each method and control (rows) for each metric (columns).

        Columns: ``mean``; ``low`` and ``high``, the ends of the 95 % bootstrap interval of the mean over images; ``rank``, the
        mean rank among the methods over images, 1 for the best; ``n``, the number of images with a defined value. The interval
        is NaN for one image.
        """
        parts = {}
        for metric in self.directions:
            wide = self._wide(metric)
            parts[metric] = pd.concat([_statistics(wide, self.seed), self._ranks(metric)], axis=1)
        return pd.concat(parts, axis=1)

    @cached_property
    def tests(self) -> pd.DataFrame:
        """Paired tests between every two methods.

        Columns: ``metric``, ``one``, ``other``, ``difference``, ``p`` and ``corrected_p``. The
        difference is the mean of one - other over the images where both are defined; the test is a randomization of its
        signs; Holm's correction covers all rows.
        """
        pairs = [(metric, *pair) for metric in self.directions for pair in combinations(self.methods, 2)]
        return self._tested(pairs)

    @cached_property
    def control_tests(self) -> pd.DataFrame:
        """Paired tests of each method against each of its controls, for metrics with a direction; columns as in ``tests``."""
        return self._tested(
            [
                (metric, method, control)
                for metric, direction in self.directions.items()
                if direction is not None
                for method in self.methods
                for control in (*CONTROLS, blurred(method))
            ]
        )

    @property
    def notes(self) -> list[str]:
        """A sentence for each metric and method that is not significantly better than one of its controls."""
        found = []
        for row in self.control_tests.itertuples(index=False):
            better = row.difference > 0 if self.directions[row.metric] else row.difference < 0
            if not (better and row.corrected_p < SIGNIFICANCE):
                found.append(
                    f"{row.metric} does not prefer {row.one} to the control {row.other!r} "
                    f"(difference {row.difference:.3g}, corrected p {row.corrected_p:.2g})"
                )
        return found

    def figure(self) -> "Figure":
        """Draw the means with their intervals, one panel for each metric; controls are gray."""
        from saliency.metrics.comparison_figure import comparison_figure

        return comparison_figure(self.table, self.methods, self.directions)

    def _wide(self, metric: str) -> pd.DataFrame:
        """Return the values of a metric, pictures by methods."""
        rows = self.values[self.values["metric"] == metric]
        return rows.pivot(index="picture", columns="method", values="value")[list(dict.fromkeys(rows["method"]))]

    def _ranks(self, metric: str) -> "pd.Series[float]":
        direction = self.directions[metric]
        defined = self._wide(metric)[list(self.methods)].dropna()
        ranks = defined.rank(axis=1, ascending=not direction).mean() * (1.0 if direction is not None else np.nan)
        return ranks.rename("rank")

    def _tested(self, pairs: list[tuple[str, str, str]]) -> pd.DataFrame:
        wide = {metric: self._wide(metric) for metric in self.directions}
        differences = [(wide[metric][one] - wide[metric][other]).dropna().to_numpy() for metric, one, other in pairs]
        found = [_difference_and_p(each, self.seed) for each in differences]
        columns = {"difference": [one for one, _ in found], "p": [p for _, p in found]}
        corrected = {"corrected_p": holm(np.array([p for _, p in found]))}
        return pd.DataFrame(pairs, columns=["metric", "one", "other"]).assign(**columns, **corrected)


def _statistics(wide: pd.DataFrame, seed: int) -> pd.DataFrame:
    rows = {}
    for method in wide:
        defined = wide[method].dropna().to_numpy()
        low, high = bootstrap_interval(defined, np.random.default_rng(seed))
        mean = float(defined.mean()) if len(defined) else float("nan")
        rows[method] = {"mean": mean, "low": low, "high": high, "n": len(defined)}
    return pd.DataFrame.from_dict(rows, orient="index")


def _difference_and_p(differences: npt.NDArray[np.float64], seed: int) -> tuple[float, float]:
    if not len(differences):
        return float("nan"), 1.0
    return float(differences.mean()), sign_flip_test(differences, np.random.default_rng(seed))

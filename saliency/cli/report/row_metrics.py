"""The metrics of the maps of a row, with ``-metric``."""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency import nets
from saliency.cli.image_targets import ImageTargets
from saliency.cli.map_metrics import MapMetrics, Sample
from saliency.cli.metric_names import chosen_metrics
from saliency.cli.object_columns import ObjectColumns
from saliency.cli.piece_log import StimulusLog
from saliency.cli.report.method_maps import Masks
from saliency.cli.report.row import Row, round_for_json
from saliency.cli.stimuli import Stimuli


class RowMetrics:
    """Measure the maps of rows by the metrics of ``-metric``; without it, do nothing.

    Args:
        network: the network.
        targets: what is explained for each image.
        stimuli: the stimuli of the file.
        options: options of the command.
        log: the log of the run.

    Raises:
        CommandError: if an option of a metric is invalid, or a metric needs objects and the stimulus file has none.
    """

    def __init__(
        self,
        network: nets.Network,
        targets: ImageTargets,
        stimuli: Stimuli,
        options: argparse.Namespace,
        log: StimulusLog,
    ) -> None:
        metrics = chosen_metrics(options.metric, options.metric_set)
        self._targets, self._names, self._methods = targets, options.metric, options.meth
        self._smoothings = [False] if options.smooth is None else [False, True]
        self._metrics = MapMetrics(network, metrics, log)
        needs_objects = any(metric.needs == "objects" for metric in metrics)
        self.objects = ObjectColumns.of(stimuli, network) if needs_objects else None
        self._failures: dict[int, str] = {}

    @property
    def directions(self) -> dict[str, bool | None]:
        """Whether larger values of each metric that was computed mean better maps; None if neither direction is better."""
        return self._metrics.directions

    def record(self, options: argparse.Namespace) -> dict[str, Any]:
        """Return the metrics and their options, for the record of the computation."""
        return {"metrics": options.metric, "metric_options": options.metric_set} if options.metric else {}

    def add(
        self,
        rows: Sequence[Row],
        inputs: Sequence[tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]],
        channels: Sequence[tuple[int, ...]],
        masks: Masks,
    ) -> None:
        """Add the metrics of a group of columns to n rows. A map that is not finite has none.

        Args:
            rows: the rows.
            inputs: the network's input and the object of each.
            channels: the channels that the maps explain.
            masks: (method, smoothed) -> (n, *mask).
        """
        if not self._names:
            return
        finite = np.all([np.isfinite(one.reshape(len(rows), -1)).all(axis=1) for one in masks.values()], axis=0)
        good = np.flatnonzero(finite).tolist()
        target = self._targets.layer.target
        samples = [Sample(rows[i].number - 1, inputs[i][0], target(channels[i]), inputs[i][1]) for i in good]
        of_methods = {self._key(method, smoothed): one[good] for (method, smoothed), one in masks.items()}
        values, failures = self._metrics.compute(samples, of_methods)
        self._failures |= failures
        found = {(index, method, metric): value for index, method, metric, value in values}
        for row in rows:
            row.metrics.append([[self._values(found, row, method, name) for name in self._names] for method in self._methods])

    def pop_failures(self) -> dict[int, str]:
        """Return the reason for each stimulus that could not be measured since the last call, by its index in the file."""
        failures, self._failures = self._failures, {}
        return failures

    def _values(self, found: dict[tuple[int, str, str], float], row: Row, method: str, metric: str) -> list[float | None]:
        """Return the value of a metric for the plain map, and for the smoothed one if there is one."""
        keys = [(row.number - 1, self._key(method, smoothed), metric) for smoothed in self._smoothings]
        return [round_for_json(found.get(key, np.nan)) for key in keys]

    def _key(self, method: str, smoothed: bool) -> str:
        return f"{method}, smoothed" if smoothed else method

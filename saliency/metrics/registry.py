"""The metrics by name, and what each needs."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from saliency.core.errors import InputError
from saliency.core.validation import shown
from saliency.metrics.concentration import complexity, sparseness
from saliency.metrics.fidelity import mu_fidelity, sensitivity_n
from saliency.metrics.insertion_deletion import deletion, insertion
from saliency.metrics.localization import mass_accuracy, pointing_game, rank_accuracy
from saliency.metrics.result import MetricResult
from saliency.metrics.road import road


@dataclass(frozen=True)
class Metric:
    """A metric of one map for each image.

    Args:
        name: its name, as in ``saliency.metrics``.
        function: called with the model, the inputs, the maps and the targets (``"model"``), with maps and objects
            (``"objects"``), or with maps alone (``"maps"``).
        needs: which of these.
        seeded: whether it has an option ``seed``.
    """

    name: str
    function: Callable[..., MetricResult]
    needs: Literal["model", "objects", "maps"]
    seeded: bool = False


METRICS = {
    metric.name: metric
    for metric in (
        Metric("insertion", insertion, "model", seeded=True),
        Metric("deletion", deletion, "model", seeded=True),
        Metric("road", road, "model", seeded=True),
        Metric("mu_fidelity", mu_fidelity, "model", seeded=True),
        Metric("sensitivity_n", sensitivity_n, "model", seeded=True),
        Metric("pointing_game", pointing_game, "objects"),
        Metric("mass_accuracy", mass_accuracy, "objects"),
        Metric("rank_accuracy", rank_accuracy, "objects", seeded=True),
        Metric("sparseness", sparseness, "maps"),
        Metric("complexity", complexity, "maps"),
    )
}


def find_metric(metric: Any) -> Metric:
    """Return a metric by its name or function; a ``functools.partial`` of its function keeps the options.

    Raises:
        InputError: if there is no such metric.
    """
    if isinstance(metric, str) and metric in METRICS:
        return METRICS[metric]
    function = metric.func if isinstance(metric, functools.partial) else metric
    for known in METRICS.values():
        if known.function is function:
            return Metric(known.name, metric, known.needs, known.seeded)
    raise InputError(
        f"`metrics` holds {shown(metric)}; a metric must be one of {', '.join(METRICS)}, its function, or a functools.partial "
        "of its function"
    )

"""Measure maps of some images by several metrics."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saliency.core.adapter import GradientAdapter
from saliency.core.errors import InputError
from saliency.metrics.registry import Metric
from saliency.metrics.result import MetricResult


@dataclass(frozen=True)
class Images:
    """Some images that maps are measured on.

    Args:
        x: the inputs of n images.
        ys: their targets.
        objects: for each a mask (H, W) or boxes of its object; None if no metric needs objects.
    """

    x: Sequence[Any]
    ys: Sequence[Any]
    objects: Sequence[Any] | None = None


def check_metrics(metrics: Sequence[Metric], objects: Any) -> None:
    """Check that there are metrics, all different, and objects for those that need them.

    Raises:
        InputError: if it is not so.
    """
    names = [metric.name for metric in metrics]
    if not names or len(set(names)) < len(names):
        raise InputError(f"`metrics` (={names}) must hold at least one metric, and each only once")
    needing = [metric.name for metric in metrics if metric.needs == "objects"]
    if needing and objects is None:
        raise InputError(f"`objects` (=None) must hold a mask or boxes for each image, for the metric {', '.join(needing)}")


def measure(
    metrics: Sequence[Metric], adapter: GradientAdapter, images: Images, maps: Mapping[str, Any], seed: int
) -> Iterator[tuple[str, Metric, MetricResult]]:
    """Yield the name of a method, a metric and its values, for each method and metric.

    Args:
        metrics: the metrics.
        adapter: the model's adapter.
        images: n images.
        maps: name of a method -> its maps (n, H, W).
        seed: of what is random in the metrics.
    """
    for name, of_method in maps.items():
        for metric in metrics:
            options: Mapping[str, Any] = {"seed": seed} if metric.seeded else {}
            arguments: dict[str, tuple[Any, ...]] = {
                "model": (adapter, list(images.x), of_method, list(images.ys)),
                "objects": (of_method, images.objects),
                "maps": (of_method,),
            }
            yield name, metric, metric.function(*arguments[metric.needs], **options)

"""Compare methods by metrics, on the user's own model and images."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from saliency.core.adapter import GradientAdapter
from saliency.core.errors import InputError
from saliency.core.model_inputs import as_sequence
from saliency.core.validation import boolean, whole_number
from saliency.core.wrap import wrap
from saliency.metrics.compared_maps import compared_maps, named_methods
from saliency.metrics.comparison import Comparison
from saliency.metrics.measurement import Images, check_metrics, measure
from saliency.metrics.registry import find_metric
from saliency.metrics.top_classes import top_classes

GROUP = 16
"""Number of images whose maps are held in memory at a time."""


def compare(
    model: Any,
    pictures: Iterable[Any],
    methods: Any,
    metrics: Sequence[Any] = ("insertion", "deletion"),
    y: Any = None,
    *,
    objects: Sequence[Any] | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Comparison:
    """Compute metrics of methods on the same images, beside control maps that know nothing of the model.

    The controls are random maps, edges of the image, a Gaussian in its center and a blurred copy of each method's map. A
    method is measured by the sum of its magnitudes over channels, which is what its figure shows.

    Args:
        model: a model that ``saliency.wrap`` accepts, or its adapter.
        pictures: the inputs (*input), an array, a list or any iterable, which is read 16 at a time.
        methods: masks of the model, or their classes; or a dictionary of them by name.
        metrics: names of metrics, their functions, or ``functools.partial`` of their functions with options.
        y: the targets: one for all images, or a sequence with one for each; None uses the top class of each image.
        objects: for each image a mask (H, W) or boxes (x0, y0, x1, y1), for metrics of localization.
        seed: of everything that is random. The same seed repeats all numbers.
        progress: show a progress bar over images.

    Raises:
        InputError: if an argument is invalid, there are no images, or a metric lacks ``objects``.
    """
    adapter, chosen = wrap(model), [find_metric(metric) for metric in metrics]
    masks, seed = named_methods(methods, adapter), whole_number("seed", seed, least=0)
    check_metrics(chosen, objects)
    rows: list[dict[str, Any]] = []
    directions: dict[str, bool | None] = {}
    for first, group in _groups(pictures, boolean("progress", progress)):
        ys = _targets(adapter, group, y, first)
        own = None if objects is None else _part("objects", objects, first, len(group))
        maps = compared_maps(masks, adapter, group, ys, seed, first)
        for name, metric, result in measure(chosen, adapter, Images(group, ys, own), maps, seed + first):
            directions[metric.name] = result.higher_is_better
            places = enumerate(result.value, start=first)
            rows += [{"picture": i, "method": name, "metric": metric.name, "value": value} for i, value in places]
    if not rows:
        raise InputError("`pictures` must hold at least one input")
    return Comparison(pd.DataFrame(rows), tuple(masks), directions, seed)


def _groups(pictures: Iterable[Any], progress: bool) -> Iterator[tuple[int, list[Any]]]:
    """Yield the pictures in groups, each with the place of its first one."""
    if not isinstance(pictures, Iterator):
        pictures = as_sequence(pictures)
    if progress:
        from tqdm import tqdm

        pictures = tqdm(pictures, unit=" images")
    iterator, first = iter(pictures), 0
    while group := list(islice(iterator, GROUP)):
        yield first, group
        first += len(group)


def _targets(adapter: GradientAdapter, group: Sequence[Any], y: Any, first: int) -> list[Any]:
    if y is None:
        return top_classes(adapter, group)
    if isinstance(y, list | range | np.ndarray):
        return list(_part("y", list(y), first, len(group)))
    return [y] * len(group)


def _part(name: str, values: Sequence[Any], first: int, count: int) -> Sequence[Any]:
    if len(values) < first + count:
        raise InputError(f"`{name}` ({len(values)} entries) must have one entry for each of {first + count} or more images")
    return values[first : first + count]

"""ROAD: remove and debias."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.points import values_of_points
from saliency.core.validation import real_number
from saliency.metrics.curve import Curve
from saliency.metrics.evaluation import Evaluation, Part
from saliency.metrics.imputation import check_scipy, impute_linearly
from saliency.metrics.masking import checked_fractions
from saliency.metrics.result import MetricResult

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from saliency.metrics.evaluation import EvaluationOptions


def road(
    model: Any,
    x_values: Any,
    masks: Any,
    y: Any = None,
    *,
    fractions: Sequence[float] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    noise: float = 0.01,
    **options: "Unpack[EvaluationOptions]",
) -> MetricResult:
    """Compute how much less the score suffers if the least instead of the most important pixels are imputed.

    Removed pixels become weighted means of their neighbors plus noise, so that the shape of the removed region shows less than
    with a constant baseline. The curve is (score with the least important fraction f imputed - score with the most important
    fraction f imputed) / 2; the value is its mean over f, in score units. Higher is better. ``details`` holds both scores:
    ``least_first`` (LeRF) and ``most_first`` (MoRF), (N, fractions). pytorch-grad-cam's ``ROADCombined`` has the same value
    for the fractions 0.1 to 0.9, with noise that has no seed; Quantus' ``ROAD`` counts the inputs that keep their class.

    Args:
        model, x_values, masks, y, **options: see ``saliency.metrics.Evaluation``. The inputs must be images.
        fractions: of the pixels that are imputed, each between 0 and 1.
        noise: standard deviation of the normal noise on imputed pixels, in the units of the input.

    Raises:
        ModelError: if SciPy is not installed.

    Source:
        Rong et al., A Consistent and Efficient Evaluation Strategy for Attribution Methods, arXiv:2202.00449.
    """
    check_scipy()
    evaluation = Evaluation(model, x_values, masks, y, **options)
    noise, sizes = real_number("noise", noise, least=0.0), checked_fractions(fractions)

    def scores(part: Part) -> npt.NDArray[np.float64]:
        if part.maps.ndim != 3:
            raise InputError(f"`x_values` (shape {tuple(part.x.shape[1:])}) must be images, with two spatial axes")
        ranks = part.ranks()
        part.details["least_first"] = _imputed_scores(part, ranks[0].size - 1 - ranks, sizes, noise)
        part.details["most_first"] = _imputed_scores(part, ranks, sizes, noise)
        return np.asarray(part.details["least_first"] - part.details["most_first"]) / 2

    values, details = evaluation.run(scores)
    curve = Curve(np.array(sizes), values, "fraction of pixels", f"difference of {evaluation.unit} / 2")
    return MetricResult("ROAD", values.mean(axis=1), True, curve, details)


def _imputed_scores(
    part: Part, ranks: npt.NDArray[np.int64], fractions: Sequence[float], noise: float
) -> npt.NDArray[np.float64]:
    """Return the scores (n, fractions) with the first-ranked fraction of the pixels imputed."""
    score, adapter = part.score, part.score.adapter
    axis = adapter.channel_axis
    images = adapter.numpy(part.x).astype(np.float64)
    images = images[..., None] if axis is None else np.moveaxis(images, axis if axis < 0 else axis + 1, -1)
    found = []
    for chunk in score.batches(len(fractions)):
        points = np.stack([_imputed(images, ranks, fractions[i], noise, part.seeds) for i in chunk])
        points = points[..., 0] if axis is None else np.moveaxis(points, -1, axis if axis < 0 else axis + 2)
        found.append(adapter.numpy(values_of_points(score, adapter.asarray(points))))
    return np.concatenate(found).T.astype(np.float64)


def _imputed(
    images: npt.NDArray[np.float64], ranks: npt.NDArray[np.int64], fraction: float, noise: float, seeds: Sequence[int]
) -> npt.NDArray[np.float64]:
    """Return images (n, H, W, channels) with the first-ranked fraction imputed; the noise of an image depends on its seed."""
    removed = ranks < round(fraction * ranks[0].size)
    filled = []
    for image, gone, seed in zip(images, removed, seeds, strict=True):
        drawn = np.random.default_rng(seed).normal(0, noise, image.shape)
        filled.append(np.where(gone[..., None], impute_linearly(image, gone) + drawn, image))
    return np.stack(filled)

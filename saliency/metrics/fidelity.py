"""Fidelity: whether the sum of a map over random pixels predicts the drop in score without them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.methods.baselines import make_baseline
from saliency.core.regions.segmentation import grid_labels
from saliency.core.validation import real_number, whole_number
from saliency.metrics.curve import Curve
from saliency.metrics.evaluation import Evaluation, Part
from saliency.metrics.masking import checked_fractions
from saliency.metrics.random_sets import drops_without, random_sets
from saliency.metrics.result import MetricResult
from saliency.metrics.similarity import linear_correlation, rank_correlation

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from saliency.metrics.evaluation import EvaluationOptions


def mu_fidelity(
    model: Any,
    x_values: Any,
    masks: Any,
    y: Any = None,
    *,
    nsets: int = 200,
    cells: int = 9,
    fraction: float = 0.2,
    baseline: Any = 0.0,
    **options: "Unpack[EvaluationOptions]",
) -> MetricResult:
    """Compute how well the sum of a map over random sets of cells predicts the drop in score without them.

    The value is Spearman's correlation of sum(map over a set) and score(x) - score(x without the set) over the sets. Higher
    is better; the range is -1 to 1. The value is NaN if the map or the score is the same for all sets. xplique's
    ``MuFidelity`` draws each cell alone, so that the sets differ in size, and counts undefined values as 0.

    Args:
        model, x_values, masks, y, **options: see ``saliency.metrics.Evaluation``.
        nsets: number of random sets of each input.
        cells: number of cells along each spatial axis.
        fraction: of the cells in a set, between 0 and 1 (exclusive).
        baseline: the content of replaced pixels; see ``Occlusion`` (``value``).

    Source:
        Bhatt, Weller & Moura, Evaluating and Aggregating Feature-based Model Explanations, arXiv:2005.00631.
    """
    evaluation = Evaluation(model, x_values, masks, y, **options)
    nsets, cells = whole_number("nsets", nsets, least=2), whole_number("cells", cells, least=2)

    def correlations(part: Part) -> npt.NDArray[np.float64]:
        sums, drops = _sums_and_drops(part, nsets, cells, fraction, baseline, "fraction")
        return np.array([rank_correlation(a, b) for a, b in zip(sums, drops, strict=True)])

    return MetricResult("mu fidelity", evaluation.run(correlations)[0], True)


def sensitivity_n(
    model: Any,
    x_values: Any,
    masks: Any,
    y: Any = None,
    *,
    nsets: int = 100,
    fractions: Sequence[float] = (0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8),
    baseline: Any = 0.0,
    **options: "Unpack[EvaluationOptions]",
) -> MetricResult:
    """Compute Pearson's correlation of sum(map over n pixels) and the drop in score without them, for several n.

    The curve is the correlation over random sets of n pixels; the value is its mean over n. Higher is better; the range is -1
    to 1. It is NaN if the map or the score is the same for all sets. For a single n, Quantus' ``FaithfulnessCorrelation`` is
    the same; its ``SensitivityN`` removes the pixels in the order of the map, and correlates over the inputs of a batch.

    Args:
        model, x_values, masks, y, **options: see ``saliency.metrics.Evaluation``.
        nsets: number of random sets for each n.
        fractions: n as fractions of all pixels, each between 0 and 1 (exclusive).
        baseline: the content of replaced pixels; see ``Occlusion`` (``value``).

    Source:
        Ancona et al., Towards Better Understanding of Gradient-based Attribution Methods for Deep Neural Networks,
        arXiv:1711.06104.
    """
    evaluation, sizes = Evaluation(model, x_values, masks, y, **options), checked_fractions(fractions)
    nsets = whole_number("nsets", nsets, least=2)

    def correlations(part: Part) -> npt.NDArray[np.float64]:
        found = []
        for size in sizes:
            sums, drops = _sums_and_drops(part, nsets, None, size, baseline, "fractions")
            found.append([linear_correlation(a, b) for a, b in zip(sums, drops, strict=True)])
        return np.array(found).T

    values = evaluation.run(correlations)[0]
    curve = Curve(np.array(sizes), values, "fraction of pixels", "correlation")
    return MetricResult("sensitivity-n", values.mean(axis=1), True, curve)


def _sums_and_drops(
    part: Part, nsets: int, cells: int | None, fraction: float, baseline: Any, name: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the sums of the maps over random sets, and the drops in score without them, (n, sets) each."""
    fraction = real_number(name, fraction, least=0.0, most=1.0)
    index = grid_labels(part.maps.shape[1:], cells)
    count = int(index.max()) + 1
    size = round(fraction * count)
    if not 0 < size < count:
        raise InputError(f"`{name}` (={fraction}) must select at least 1 and not all of {count} cells")
    chosen = np.stack([random_sets(np.random.default_rng(seed), nsets, count, size) for seed in part.seeds])
    totals = [np.bincount(index.ravel(), weights=one.ravel(), minlength=count) for one in part.maps]
    sums = np.stack([sets @ total for sets, total in zip(chosen, totals, strict=True)])
    cover = make_baseline(baseline, part.score, part.x, "baseline")
    return sums, drops_without(part, cover, np.moveaxis(chosen, 0, 1)[..., index])

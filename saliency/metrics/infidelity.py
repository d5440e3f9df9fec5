"""Infidelity: whether a map predicts how the score changes under noise."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saliency.core.points import values_of_points
from saliency.core.validation import boolean, real_number, whole_number
from saliency.metrics.evaluation import Evaluation, Part
from saliency.metrics.result import MetricResult

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from saliency.metrics.evaluation import EvaluationOptions


def infidelity(
    model: Any,
    x_values: Any,
    masks: Any,
    y: Any = None,
    *,
    noise: float = 0.1,
    nsamples: int = 50,
    scaled: bool = False,
    **options: "Unpack[EvaluationOptions]",
) -> MetricResult:
    """Compute the mean squared error of a map as a linear prediction of the change in score.

    The value is mean((sum(I map) - (score(x) - score(x - I)))^2) over normal noise I, which is the same in all channels of a
    position, so that the sum needs only the map's sum over channels. Lower is better; the range is 0 to infinity, in squared
    score units. Maps must be in score units per unit of the input, as a gradient is.

    Args:
        model, x_values, masks, y, **options: see ``saliency.metrics.Evaluation``.
        noise: standard deviation of I, as a fraction of the range of each input.
        nsamples: number of draws for each input.
        scaled: multiply each map by the factor that makes its value smallest, for methods without units.

    Source:
        Yeh et al., On the (In)fidelity and Sensitivity of Explanations, arXiv:1901.09392, definition 2.1, and section 2.4 for
        the scaling.
    """
    evaluation = Evaluation(model, x_values, masks, y, **options)
    noise, nsamples = real_number("noise", noise, least=0.0), whole_number("nsamples", nsamples, least=1)
    scaled = boolean("scaled", scaled)

    def errors(part: Part) -> npt.NDArray[np.float64]:
        predicted, changes = _predicted_and_changes(part, noise, nsamples)
        if scaled:
            squares = np.maximum((predicted**2).sum(axis=1, keepdims=True), np.finfo(float).tiny)
            predicted = predicted * (predicted * changes).sum(axis=1, keepdims=True) / squares
        return np.asarray(((predicted - changes) ** 2).mean(axis=1))

    return MetricResult("infidelity", evaluation.run(errors)[0], False)


def _predicted_and_changes(part: Part, noise: float, nsamples: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return sum(I map) and score(x) - score(x - I), (n, samples) each."""
    score, adapter, x = part.score, part.score.adapter, part.x
    flat = adapter.numpy(x).reshape(len(part.maps), -1)
    scale = noise * (flat.max(axis=1) - flat.min(axis=1)).astype(np.float64)
    space = part.maps.shape[1:]
    drawn = np.stack([np.random.default_rng(seed).standard_normal((nsamples, *space)) for seed in part.seeds], axis=1)
    drawn *= scale.reshape(-1, *[1] * len(space))
    drawn = drawn.astype(np.float32)  # what the model receives
    axes = tuple(range(2, drawn.ndim))
    clean, changes = adapter.numpy(score.values(x)), []
    for chunk in score.batches(nsamples):
        noise_of_chunk = np.stack([part.over_space(one) for one in drawn[chunk.start : chunk.stop]])
        points = x[None] - adapter.asarray(noise_of_chunk)
        changes.append(clean - adapter.numpy(values_of_points(score, points)))
    return (drawn * part.maps).sum(axis=axes).T, np.concatenate(changes).T.astype(np.float64)

"""Performance information curves: how soon the score returns while the most important pixels sharpen a blurred picture."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.validation import real_number, shown
from saliency.metrics.curve import Curve
from saliency.metrics.evaluation import Evaluation, Part
from saliency.metrics.imputation import check_scipy
from saliency.metrics.inpainting import Picture, compressed_size, interpolate_picture, revealed
from saliency.metrics.masking import checked_fractions
from saliency.metrics.probability import as_accuracy
from saliency.metrics.result import MetricResult

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from saliency.metrics.evaluation import EvaluationOptions

POINTS = 1001
FRACTIONS = (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.13, 0.21, 0.34, 0.5, 0.75)


def pic(
    model: Any,
    pictures: Sequence[Any],
    masks: Any,
    y: Any = None,
    *,
    prepare: Callable[[Picture], Any],
    curve: str = "score",
    fractions: Sequence[float] = FRACTIONS,
    known: float = 0.01,
    least: float = 0.8,
    **options: "Unpack[EvaluationOptions]",
) -> MetricResult:
    """Compute the area under a performance information curve.

    A blurred picture keeps a random fraction of the pixels; the most important ones sharpen it. The curve is the running
    maximum of its score over its compressed size, both from 0 for the blurred to 1 for the whole picture. Higher is better;
    the range is 0 to 1. NaN if the score of the picture is below ``least``, or the blurred one has no lower score and size.

    Args:
        model, masks, y, **options: see ``saliency.metrics.Evaluation``. For logits, pass ``probability=True``.
        pictures: N arrays (H, W) or (H, W, channels), uint8, in the size of the maps.
        prepare: from such an array to the model's input.
        curve: ``"score"``, the softmax information curve (SIC), or ``"accuracy"``, whether y is the top class (AIC).
        fractions: of the pixels that are sharpened.
        known: fraction of the pixels that the blurred picture keeps.
        least: see above.

    Source:
        Kapishnikov et al., XRAI: Better Attributions Through Regions, arXiv:1906.02825, section 3.3.
    """
    check_scipy()
    images, sizes = [_checked_picture(one, i) for i, one in enumerate(pictures)], checked_fractions(fractions)
    if curve not in ("score", "accuracy"):
        raise InputError(f"`curve` (={shown(curve)}) must be 'score' or 'accuracy'")
    known, least = real_number("known", known, 0.0, 1.0), real_number("least", least, -np.inf)
    evaluation = Evaluation(model, [prepare(image) for image in images], masks, y, **options)

    def curves(part: Part) -> npt.NDArray[np.float64]:
        return _curves(part, [images[i] for i in part.score.samples], prepare, curve == "accuracy", sizes, known, least)

    values = evaluation.run(curves)[0]
    found = Curve(np.linspace(0, 1, POINTS), values, "information", f"normalized {curve}")
    return MetricResult(f"PIC ({curve})", found.area, True, found)


def _curves(
    part: Part,
    images: Sequence[Picture],
    prepare: Callable[[Picture], Any],
    accuracy: bool,
    fractions: Sequence[float],
    known: float,
    least: float,
) -> npt.NDArray[np.float64]:
    """Return the curves of n pictures, (n, points)."""
    score = as_accuracy(part.score) if accuracy else part.score
    versions = [_versions(*one, fractions, known) for one in zip(images, part.maps, part.seeds, strict=True)]
    scores = []
    for chunk in score.batches(len(fractions) + 2):
        inputs = score.adapter.stack([prepare(pictures[i]) for i in chunk for pictures in versions])
        scores.append(score.adapter.numpy(score.repeat(len(chunk)).values(inputs)).reshape(len(chunk), -1))
    rows = np.concatenate(scores).T.astype(np.float64)
    information = [[compressed_size(one) for one in pictures] for pictures in versions]
    return np.stack([_curve(*one, least) for one in zip(np.array(information, float), rows, strict=True)])


def _versions(
    picture: Picture, values: npt.NDArray[np.float64], seed: int, fractions: Sequence[float], known: float
) -> list[Picture]:
    """Return the whole picture, the blurred one, and those with sharp pixels."""
    count = round(known * values.size)
    always = (np.random.default_rng(seed).permutation(values.size) < count).reshape(values.shape)
    sharp = [always, *(revealed(values, fraction, always) for fraction in fractions)]
    return [picture, *(interpolate_picture(picture, mask) for mask in sharp)]


def _curve(information: npt.NDArray[np.float64], scores: npt.NDArray[np.float64], least: float) -> npt.NDArray[np.float64]:
    """Return a curve (points,) from the sizes and scores of the whole, the blurred and the sharpened pictures."""
    if scores[0] < least or scores[1] >= scores[0] or information[1] >= information[0]:
        return np.full(POINTS, np.nan)
    x, y = (np.clip((values[2:] - values[1]) / (values[0] - values[1]), 0, 1) for values in (information, scores))
    x, y = np.array([*x, 0, 1]), np.array([*np.maximum.accumulate(y), 0, 1])
    order = np.argsort(x, kind="stable")
    return np.append(np.interp(np.linspace(0, 1, POINTS)[:-1], x[order], y[order]), 1.0)


def _checked_picture(picture: Any, i: int) -> Picture:
    values = np.asarray(picture)
    if values.dtype != np.uint8 or values.ndim not in (2, 3) or values.shape[2:] not in ((), (1,), (3,)):
        raise InputError(f"`pictures[{i}]` ({values.dtype}, shape {values.shape}) must be uint8 of shape (H, W) or (H, W, 3)")
    if min(values.shape[:2]) < 2:
        raise InputError(f"`pictures[{i}]` (shape {values.shape}) must have at least 2 rows and 2 columns")
    return values[..., None] if values.ndim == 2 else values

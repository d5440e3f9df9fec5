"""The score of a detection, as a function of the detector's outputs."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.detections import Detections, Match
from saliency.core.detector_outputs import DenseOutput, ListOutput
from saliency.core.numerics.boxes import intersection_over_union, overlaps
from saliency.core.score_reading import read_scores

BOX, LABEL, SCORE, INDEX, CLASSES = slice(0, 4), 4, 5, 6, slice(7, None)
"""The columns of the rows that describe matched detections: box, label, score, index in the output, score of each class."""


def rows_of(matches: Sequence[Match], found: Sequence[Detections]) -> npt.NDArray[np.float64]:
    """Return a row of numbers for each matched detection, given the detections of its input."""
    rows = []
    for match, detections in zip(matches, found, strict=True):
        classes = [] if detections.class_scores is None else detections.class_scores[match.index]
        rows.append(np.concatenate([match.box, [match.label, match.score, match.index], classes]))
    return np.array(rows)


@dataclass(frozen=True)
class KeptScore:
    """The score of the same detection in each pass, given by its index in the output."""

    output: DenseOutput

    def __call__(self, outputs: Any, rows: npt.NDArray[np.float64], n: int, adapter: Any) -> Any:
        """Return one score for each row; the T rows of the first of n inputs are first."""

        def take(array: Any, places: npt.NDArray[np.int64]) -> Any:
            return read_scores(array, places, None, adapter.xp, lambda index: adapter.asfeed(index, "y"))

        return self.read(outputs, self.places(rows, n), take)

    def places(self, rows: npt.NDArray[np.float64], n: int) -> list[npt.NDArray[np.int64]]:
        """Return the places, (rows, 1, axes), of the factors of each row's score, for ``read``."""
        inputs = np.arange(len(rows)) // (len(rows) // n)
        indices = np.stack([inputs, rows[:, INDEX], rows[:, LABEL]], axis=1).astype(np.int64)
        return [one[:, None] for one in self.output.places(indices)]

    def read(self, outputs: Any, places: Sequence[Any], take: Callable[[Any, Any], Any]) -> Any:
        """Return the scores (rows,); a graph may compute them from any places.

        Args:
            outputs: what the detector returned.
            places: of the factors, as an array of the graph each.
            take: returns the entries (rows,) of an array at places (rows, 1, axes).
        """
        array = self.output.score_array(outputs)
        return math.prod([take(array, one) for one in places[1:]], start=take(array, places[0]))


@dataclass(frozen=True)
class SimilarityScore:
    """The similarity of the most similar detection: IoU times the cosine of the class scores times the objectness (D-RISE)."""

    output: DenseOutput

    def __call__(self, outputs: Any, rows: npt.NDArray[np.float64], n: int, adapter: Any) -> Any:
        """Return one score for each row; the T rows of the first of n inputs are first."""
        xp, wanted = adapter.xp, rows.reshape(n, -1, rows.shape[1])  # (N, T, numbers)
        found = self.output.read(outputs, xp)
        corners = [adapter.asarray(corner, "y")[:, :, None] for corner in np.moveaxis(wanted[..., BOX], -1, 0)]
        iou = intersection_over_union(xp, corners, [corner[:, None] for corner in found.corners])  # (N, T, M)
        lengths = xp.clip(xp.sum(found.scores * found.scores, axis=-1) ** 0.5, 1e-12, None)[:, None]
        classes = wanted[..., CLASSES] / np.maximum(np.linalg.norm(wanted[..., CLASSES], axis=-1, keepdims=True), 1e-12)
        cosine = adapter.asarray(classes, "y") @ xp.swapaxes(found.scores, 1, 2) / lengths
        return xp.reshape(xp.amax(iou * cosine * found.objectness[:, None], axis=-1), (-1,))


@dataclass(frozen=True)
class ListScore:
    """The IoU times the score of the detection of the same label for which the product is largest; 0 if there is none.

    The IoU is a constant, so that a gradient is that of the score.
    """

    output: ListOutput

    def __call__(self, outputs: Sequence[Any], rows: npt.NDArray[np.float64], n: int, adapter: Any) -> Any:
        """Return one score for each row; the T rows of the first of n inputs are first."""
        times, scores = len(rows) // n, []
        for i, found in enumerate(self.output.detections(outputs, adapter)):
            for row in rows[i * times : (i + 1) * times]:
                device_scores = outputs[i]["scores"]
                iou = overlaps(row[BOX], found.boxes) * (found.labels == int(row[LABEL]))
                if not iou.any():
                    scores.append(adapter.xp.sum(device_scores) * 0.0)
                    continue
                best = int((iou * found.scores).argmax())
                scores.append(device_scores[best] * float(iou[best]))
        return adapter.xp.concatenate([adapter.xp.reshape(score, (1,)) for score in scores])

"""The detections of one input, and which of them a target explains."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.box import Box
from saliency.core.errors import TargetError
from saliency.core.numerics.boxes import overlaps, without_duplicates

LEAST_OVERLAP = 0.3
"""Least intersection over union (IoU) of a requested box with the detection that it matches."""

LEAST_SCORE = 0.05
"""Least score of a detection that is counted as found, if no box is requested; that of torchvision's detectors."""

MOST_OVERLAP = 0.7
"""Two boxes of one label with a larger IoU are the same object, for detectors that return every anchor."""


@dataclass(frozen=True)
class Match:
    """The detection that a target explains: its index in the output, its box in pixels, its label and its score."""

    index: int
    box: npt.NDArray[np.float64]
    label: int
    score: float


@dataclass(frozen=True)
class Detections:
    """The detections of one input, on the host.

    Args:
        boxes: (M, 4), x0, y0, x1 and y1 in pixels of the input.
        labels: (M,), the top class of each.
        scores: (M,), its score.
        class_scores: (M, classes); None if the detector returns the top class only.
        has_duplicates: whether one object has many boxes.
    """

    boxes: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    class_scores: npt.NDArray[np.float64] | None = None
    has_duplicates: bool = False

    def match(self, target: Box, space: Sequence[int]) -> Match:
        """Return the detection that a target explains, for an input of (rows, columns) pixels.

        Raises:
            TargetError: if there is none, or the target's box or label does not exist.
        """
        found = self._of_label(target.label)
        index = found._best_overlap(target, space) if target.box is not None else found._ranked(target)
        return Match(index, found.boxes[index], int(found.labels[index]), float(found.scores[index]))

    def _of_label(self, label: int | None) -> "Detections":
        """Return the detections with the scores of one class; 0 for a detection of which only another class is known."""
        if not np.isfinite(self.scores).all():
            raise TargetError("`y` is a Box, but the detector's scores for this input are NaN or infinite")
        if label is None:
            return self
        labels = np.full_like(self.labels, label)
        if self.class_scores is None:
            if len(self.labels) and label not in self.labels:
                there = ", ".join(map(str, np.unique(self.labels)))
                raise TargetError(f"`label` (={label}): the detector finds no object of this label; it finds labels {there}")
            return Detections(self.boxes, labels, np.where(self.labels == label, self.scores, 0.0))
        if label >= self.class_scores.shape[1]:
            last = self.class_scores.shape[1] - 1
            raise TargetError(f"`label` (={label}) is not a class of the detector, which has {last + 1} (0 to {last})")
        return Detections(self.boxes, labels, self.class_scores[:, label], None, self.has_duplicates)

    def _ranked(self, target: Box) -> int:
        there = np.flatnonzero(self.scores >= LEAST_SCORE)
        what = "nothing" if target.label is None else f"no object of label {target.label}"
        if not len(there):
            best = f": the highest score is {self.scores.max():.3g} (below {LEAST_SCORE})" if len(self.scores) else ""
            raise TargetError(f"the detector finds {what} in the input{best}. Name a box by saliency.Box(label, box)")
        most = MOST_OVERLAP if self.has_duplicates else 1.0
        distinct = without_duplicates(self.boxes[there], self.labels[there], self.scores[there], most)
        first = list(islice(distinct, target.rank + 1))
        if len(first) <= target.rank:
            raise TargetError(f"Box.top({target.rank}): the detector finds {len(first)} object(s); k starts at 0")
        return int(there[first[-1]])

    def _best_overlap(self, target: Box, space: Sequence[int]) -> int:
        box = np.array(target.box)
        _check_inside(box, space)
        if not len(self.boxes):
            raise TargetError("the detector finds nothing in the input")
        iou = overlaps(box, self.boxes)
        quality = np.where(iou >= LEAST_OVERLAP, iou * self.scores, -1.0)
        if quality.max() <= 0:
            nearest = int(np.argmax(iou * (self.scores > 0)))
            raise TargetError(
                f"`box` (={tuple(box.tolist())}) matches no detection: none overlaps it by an IoU of {LEAST_OVERLAP} or more. "
                f"The nearest is label {self.labels[nearest]} in {tuple(self.boxes[nearest].round(1).tolist())}, IoU "
                f"{iou[nearest]:.2f}; boxes are (x0, y0, x1, y1) in pixels of the input"
            )
        return int(quality.argmax())


def _check_inside(box: npt.NDArray[Any], space: Sequence[int]) -> None:
    """Refuse a box less than half of which is in the picture: a detector's own boxes may end a little outside."""
    rows, columns = space
    inner = np.clip(box, 0, [columns, rows, columns, rows])
    area, inner_area = ((b[2] - b[0]) * (b[3] - b[1]) for b in (box, inner))
    if inner_area < area / 2:
        raise TargetError(
            f"`box` (={tuple(box.tolist())}) is outside of the picture, which has {columns} columns (x) and {rows} rows (y)"
        )
    if box.max() <= 1 < min(rows, columns):
        raise TargetError(f"`box` (={tuple(box.tolist())}) must be in pixels of the input, not in fractions of its size")

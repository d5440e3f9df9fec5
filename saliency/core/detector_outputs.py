"""The outputs of detectors: where their boxes, class scores and objectness are."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from saliency.core.detections import Detections
from saliency.core.nested_outputs import entry_at
from saliency.core.numerics.boxes import Corners, corners_of_centers


class DenseDetections(NamedTuple):
    """The detections of N inputs, M each, on the device.

    Args:
        corners: x0, y0, x1 and y1, (N, M) each, in pixels of the input.
        scores: (N, M, classes), the score of each class.
        objectness: (N, M), how sure the detector is that there is an object of any class.
    """

    corners: Corners
    scores: Any
    objectness: Any


class DenseOutput(ABC):
    """An output that has the same number of detections for each input, at the same indices in each pass."""

    has_duplicates: bool
    """Whether one object has many boxes."""

    @abstractmethod
    def read(self, outputs: Any, xp: Any) -> DenseDetections:
        """Return the detections in what the model returned."""

    @abstractmethod
    def score_array(self, outputs: Any) -> Any:
        """Return the array that holds the class scores."""

    @abstractmethod
    def places(self, indices: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
        """Return the places, (samples, axes), of the factors of each sample's score in ``score_array``.

        Args:
            indices: (samples, 3): input, detection and class.
        """

    def detections(self, outputs: Any, adapter: Any) -> list[Detections]:
        """Return the detections of each input, on the host."""
        found = self.read(outputs, adapter.xp)
        boxes = np.stack([np.asarray(adapter.numpy(corner), float) for corner in found.corners], axis=-1)
        scores = np.asarray(adapter.numpy(found.scores), float)
        best = zip(boxes, scores, strict=True)
        return [Detections(one, s.argmax(axis=1), s.max(axis=1), s, self.has_duplicates) for one, s in best]


@dataclass(frozen=True)
class QueryOutput(DenseOutput):
    """Logits (N, queries, classes) and boxes (N, queries, 4): center, width and height, as fractions of the input.

    Args:
        logits: name of the logits.
        boxes: name of the boxes.
        no_object: whether the last class is "no object", so that a softmax is over all; otherwise each class has a sigmoid.
        space: the input's rows and columns.
    """

    logits: str
    boxes: str
    no_object: bool
    space: tuple[int, int]

    has_duplicates = False

    def read(self, outputs: Any, xp: Any) -> DenseDetections:
        """Return the detections in what the model returned."""
        logits, boxes = entry_at(outputs, self.logits), entry_at(outputs, self.boxes)
        rows, columns = self.space
        lengths = (columns, rows, columns, rows)
        corners = corners_of_centers(*(boxes[:, :, i] * length for i, length in enumerate(lengths)))
        if not self.no_object:
            scores = 1.0 / (1.0 + xp.exp(xp.clip(-logits, -80.0, 80.0)))
            return DenseDetections(corners, scores, xp.amax(scores, axis=-1))
        powers = xp.exp(logits - xp.amax(logits, axis=-1, keepdims=True))
        probabilities = powers / xp.sum(powers, axis=-1, keepdims=True)
        return DenseDetections(corners, probabilities[:, :, :-1], 1.0 - probabilities[:, :, -1])

    def score_array(self, outputs: Any) -> Any:
        """Return the logits."""
        return entry_at(outputs, self.logits)

    def places(self, indices: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
        """Return the place of the logit of each sample's class."""
        return [indices]


@dataclass(frozen=True)
class AnchorOutput(DenseOutput):
    """An array (N, 4 + classes, anchors): center, width and height of each box, and its class scores from 0 to 1.

    Args:
        path: the entry of the outputs that holds the array; None if the array is the output.
        anchors_last: whether the anchors are on the last axis, rather than on axis 1.
        objectness: whether the objectness follows the box, before the class scores.
        fractions: whether boxes are fractions of the input, rather than pixels.
        space: the input's rows and columns.
    """

    path: int | None
    anchors_last: bool
    objectness: bool
    fractions: bool
    space: tuple[int, int]

    has_duplicates = True

    def read(self, outputs: Any, xp: Any) -> DenseDetections:
        """Return the detections in what the model returned."""
        array = self.score_array(outputs)
        array = xp.swapaxes(array, 1, 2) if self.anchors_last else array  # (N, anchors, numbers)
        rows, columns = self.space if self.fractions else (1, 1)
        lengths = (columns, rows, columns, rows)
        corners = corners_of_centers(*(array[:, :, i] * length for i, length in enumerate(lengths)))
        if not self.objectness:
            return DenseDetections(corners, array[:, :, 4:], xp.amax(array[:, :, 4:], axis=-1))
        return DenseDetections(corners, array[:, :, 4:5] * array[:, :, 5:], array[:, :, 4])

    def score_array(self, outputs: Any) -> Any:
        """Return the array of all numbers."""
        return outputs if self.path is None else entry_at(outputs, self.path)

    def places(self, indices: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
        """Return the places of the score of each sample's class, and of the objectness if there is one."""
        samples, anchors, classes = indices.T
        numbers = [classes + 5, np.full_like(classes, 4)] if self.objectness else [classes + 4]
        axes = [(samples, one, anchors) if self.anchors_last else (samples, anchors, one) for one in numbers]
        return [np.stack(each, axis=1) for each in axes]


@dataclass(frozen=True)
class ListOutput:
    """A list with a dictionary of ``boxes`` (M, 4), ``labels`` (M,) and ``scores`` (M,) for each input; M differs."""

    def detections(self, outputs: Sequence[Any], adapter: Any) -> list[Detections]:
        """Return the detections of each input, on the host."""
        return [_detections_of(found, adapter) for found in outputs]


def _detections_of(found: Any, adapter: Any) -> Detections:
    boxes, scores = (np.asarray(adapter.numpy(found[name]), float) for name in ("boxes", "scores"))
    return Detections(boxes.reshape(-1, 4), np.asarray(adapter.numpy(found["labels"]), np.int64), scores)

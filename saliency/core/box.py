"""The target that explains one detection of an object detector."""

from dataclasses import dataclass, field
from numbers import Real
from typing import Any, final

import numpy as np

from saliency.core.errors import TargetError
from saliency.core.validation import MAX_COUNT, as_index, shown


@final
@dataclass(frozen=True)
class Box:
    """A target: one detection of an object detector.

    The detection is found once, on the clean input, and kept. ``details["box"]``, ``details["label"]`` and
    ``details["detection_score"]`` name it. Methods that use gradients explain the score of its label. Methods that only
    evaluate the model (Occlusion, RISE, ScoreCAM) explain the similarity of D-RISE: the largest product, over the detections
    of the perturbed input, of the IoU with the box, the cosine of the class scores, and the objectness.

    A detector returns one of

    - ``logits`` (N, queries, classes) and ``pred_boxes`` (N, queries, 4), as DETR, YOLOS and RT-DETR of transformers do,
    - an array (N, 4 + classes, anchors) of boxes (center, width, height) and class scores, as YOLO does, or a tuple that
      begins with one; also (N, anchors, 4 + classes), and with the objectness as a fifth number,
    - a list with a dictionary of ``boxes``, ``labels`` and ``scores`` for each input, as torchvision's detectors do. The
      detection is then matched again in each pass: the score is the largest IoU times score of the label.

    Args:
        label: the class of the detection, a number; None accepts each detection's top class.
        box: (x0, y0, x1, y1) in pixels of the input: the detection with the largest IoU times score is explained. None
            explains the detection with the highest score.
        rank: without a box, the number of detections with a higher score; see ``top``.
        no_object: for ``logits`` and ``pred_boxes``, whether the last class is "no object" (a softmax, as in DETR), or each
            class is independent (a sigmoid, as in RT-DETR). None reads it from the ``config`` of a model of transformers.
        objectness: whether the fifth number of an array is an objectness. None reads it from the model's number of classes
            (``names`` or ``nc``); if there is none, (N, 4 + classes, anchors) has no objectness.

    Raises:
        TargetError: if the label, the box or an option is invalid.

    Source:
        Petsiuk et al., Black-box Explanation of Object Detectors via Saliency Maps, arXiv:2006.03204.
    """

    label: int | None = None
    box: tuple[float, float, float, float] | None = None
    rank: int = field(default=0, kw_only=True)
    no_object: bool | None = field(default=None, kw_only=True)
    objectness: bool | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name, value in (("label", self.label), ("rank", self.rank)):
            index = as_index(value)
            if not (value is None and name == "label") and (index is None or not 0 <= index <= MAX_COUNT):
                raise TargetError(f"`{name}` (={shown(value)}) of a Box must be a whole number, 0 to {MAX_COUNT}")
            object.__setattr__(self, name, index)
        for name in ("no_object", "objectness"):
            if not isinstance(getattr(self, name), bool | None):
                raise TargetError(f"`{name}` (={shown(getattr(self, name))}) of a Box must be True, False or None")
        if self.box is not None:
            object.__setattr__(self, "box", _checked_box(self.box))

    @classmethod
    def top(cls, k: int = 0, label: int | None = None, **options: Any) -> "Box":
        """Return the target of the detection with the k-th highest score, starting at 0.

        Args:
            k: number of detections with a higher score. Of several boxes of one object, the best counts.
            label: count the detections of this class only.
            **options: ``no_object`` and ``objectness``.
        """
        return cls(label, rank=k, **options)


def _checked_box(box: Any) -> tuple[float, ...]:
    numbers = box.tolist() if hasattr(box, "tolist") else box
    if not isinstance(numbers, tuple | list) or len(numbers) != 4 or not all(isinstance(one, Real) for one in numbers):
        raise TargetError(f"`box` (={shown(box)}) must be four numbers (x0, y0, x1, y1), in pixels of the input")
    x0, y0, x1, y1 = (float(one) for one in numbers)
    if not (np.isfinite([x0, y0, x1, y1]).all() and x0 < x1 and y0 < y1):
        raise TargetError(f"`box` (={shown(box)}) must be (x0, y0, x1, y1), finite, with x0 < x1 and y0 < y1")
    return x0, y0, x1, y1

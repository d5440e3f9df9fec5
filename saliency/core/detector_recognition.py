"""Recognize the outputs of a detector: the three forms that ``Box`` accepts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.box import Box
from saliency.core.detector_outputs import AnchorOutput, ListOutput, QueryOutput
from saliency.core.errors import ModelError, TargetError
from saliency.core.nested_outputs import describe_arrays, entries_of, is_array

QUERY_NAMES = (("logits", "pred_boxes"), ("pred_logits", "pred_boxes"))
"""Names of the class scores and boxes of detectors with queries."""

LIST_NAMES = {"boxes", "labels", "scores"}
"""Names that a detector with a list of dictionaries returns for each input."""


def recognize_output(
    outputs: Any, n: int, target: Box, adapter: Any, space: tuple[int, int]
) -> QueryOutput | AnchorOutput | ListOutput:
    """Return how to read the detections in what a detector returned for N inputs.

    Args:
        outputs: what the detector returned.
        n: number of inputs.
        target: the user's target, with its options.
        adapter: the model's adapter.
        space: rows and columns of an input.

    Raises:
        ModelError: if the outputs resemble those of a detector, but cannot be read without a guess.
        TargetError: if they are not those of a detector.
    """
    if isinstance(outputs, list | tuple) and len(outputs) == n and all(_is_listed(one) for one in outputs):
        return ListOutput()
    entries = entries_of(outputs)
    for logits, boxes in QUERY_NAMES:
        if logits in entries and boxes in entries:
            no_object = _has_no_object(entries[logits], entries[boxes], n, target, adapter)
            return QueryOutput(logits, boxes, no_object, space)
    path = 0 if isinstance(outputs, list | tuple) and len(outputs) else None
    array = outputs if path is None else outputs[0]
    if is_array(array) and len(array.shape) == 3 and int(array.shape[0]) == n:
        return _anchor_output(np.asarray(adapter.numpy(array)), path, target, adapter, space)
    shown = f"an array of shape {tuple(outputs.shape)}" if is_array(outputs) else describe_arrays(outputs)
    raise TargetError(
        f"`y` is a Box, but the model does not return detections: {shown}. A detector returns `logits` (N, queries, classes) "
        "and `pred_boxes`, an array (N, 4 + classes, anchors), or a list of dictionaries of `boxes`, `labels` and `scores`"
    )


def _is_listed(found: Any) -> bool:
    return isinstance(found, Mapping) and set(found) >= LIST_NAMES


def _has_no_object(logits: Any, boxes: Any, n: int, target: Box, adapter: Any) -> bool:
    """Return whether the last class of logits is "no object"."""
    shapes = tuple(map(int, logits.shape)), tuple(map(int, boxes.shape))
    if len(shapes[0]) != 3 or shapes[1] != (n, shapes[0][1], 4) or shapes[0][0] != n:
        raise ModelError(
            f"the detector's logits and boxes have the shapes {shapes[0]} and {shapes[1]}; they must be "
            f"({n}, queries, classes) and ({n}, queries, 4)"
        )
    if target.no_object is not None:
        return target.no_object
    classes = _number_of_classes(adapter)
    if classes is None or shapes[0][2] not in (classes, classes + 1):
        known = "which the model does not name" if classes is None else f"of which the model names {classes}"
        raise ModelError(
            f"the detector's logits have {shapes[0][2]} classes, {known}, so it is not known whether the last one is 'no "
            "object': pass Box(..., no_object=True) for a softmax as in DETR, or no_object=False for sigmoids as in RT-DETR"
        )
    return shapes[0][2] == classes + 1


def _anchor_output(
    array: npt.NDArray[Any], path: int | None, target: Box, adapter: Any, space: tuple[int, int]
) -> AnchorOutput:
    """Find the axes of an array (N, 4 + classes, anchors) from its values: sizes are positive, scores between 0 and 1."""
    classes = _number_of_classes(adapter)
    fitting = [last for last in (True, False) if _fits(_anchors_first(array, last), classes)]
    if len(fitting) != 1:
        why = "either of its axes may hold the boxes" if fitting else "neither of its axes holds boxes and scores from 0 to 1"
        raise ModelError(
            f"`y` is a Box, and the detector returns an array of shape {array.shape}, but {why}; it must be (N, 4 + classes, "
            "anchors) before non-maximum suppression. Pass a function that brings it into this form, or a callable `y`"
        )
    numbers = _anchors_first(array, fitting[0])
    fractions = bool(numbers[..., :4].max() <= 1.0 and min(space) > 1)
    return AnchorOutput(path, fitting[0], _has_objectness(numbers, classes, target, fitting[0]), fractions, space)


def _anchors_first(array: npt.NDArray[Any], anchors_last: bool) -> npt.NDArray[Any]:
    return array.swapaxes(1, 2) if anchors_last else array


def _fits(numbers: npt.NDArray[Any], classes: int | None) -> bool:
    """Return whether numbers (N, anchors, 4 + classes) are boxes and scores."""
    length = numbers.shape[2]
    if length < 5 or numbers.shape[1] < 1 or (classes is not None and length not in (4 + classes, 5 + classes)):
        return False
    sizes, scores = numbers[..., 2:4], numbers[..., 4:]
    is_list = length == 6 and bool((scores[..., 1] == scores[..., 1].round()).all())  # corners, score and label
    return bool((sizes >= 0).all() and (scores >= 0).all() and (scores <= 1).all() and not is_list)


def _has_objectness(numbers: npt.NDArray[Any], classes: int | None, target: Box, anchors_last: bool) -> bool:
    """Return whether the fifth number of numbers (N, anchors, 4 + classes) is an objectness."""
    if target.objectness is not None:
        return target.objectness
    if classes is not None:
        return int(numbers.shape[2]) == 5 + classes
    if not anchors_last:
        raise ModelError(
            f"the detector returns an array (N, anchors, {numbers.shape[2]}) and does not name its classes, so it is not "
            "known whether the fifth number is an objectness: pass Box(..., objectness=True) as in YOLOv5, or objectness=False"
        )
    return False


def _number_of_classes(adapter: Any) -> int | None:
    """Return the number of classes that a model of transformers or ultralytics names; None if it names none."""
    model = getattr(adapter, "model", None)
    config = getattr(model, "config", None)
    labels = getattr(config, "id2label", None)
    if isinstance(labels, Mapping) and labels and not (len(labels) == 2 and labels.get(0) == "LABEL_0"):  # the default
        return len(labels)
    names, number = getattr(model, "names", None), getattr(model, "nc", None)
    if isinstance(names, Mapping | list | tuple) and names:
        return len(names)
    return number if isinstance(number, int) and not isinstance(number, bool) else None

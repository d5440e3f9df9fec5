"""Detections as targets of methods without gradients."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from saliency import RISE, Box, FunctionAdapter, ModelError, Occlusion, TargetError
from tests.detectors import FORMS, OPTIONS, PATCHES, SPACE, anchor_outputs, list_outputs, query_outputs

X = 1 + 0.1 * np.random.default_rng(0).normal(size=(3, *SPACE))


def detector(form):
    return FunctionAdapter(partial(FORMS[form], xp=np), channel_axis=0)


def box(form, label, **place):
    first = 1 if form == "list" else 0
    return Box(label + first, **place, **OPTIONS.get(form, {}))


@pytest.mark.parametrize("form", FORMS)
def test_the_patch_of_an_object_is_found(form):
    ys = [box(form, label, box=patch) for label, patch in PATCHES.items()]
    masks = Occlusion(detector(form), size=4, stride=4).GetMasks([X, X], y=ys)
    for mask, (x0, y0, x1, y1) in zip(masks, PATCHES.values(), strict=True):
        inside = mask[0, y0:y1, x0:x1].sum()
        assert inside > 0.6 * mask[0].sum() > 0  # windows of 4 x 4 pixels protrude over the patch
        np.testing.assert_allclose(mask[:, 17:19], 0, atol=1e-6)
    np.testing.assert_allclose(masks.details["box"], list(PATCHES.values()), atol=1e-5)
    one = Occlusion(detector(form), ys[1], size=4, stride=4).GetMask(X)
    np.testing.assert_allclose(masks[1], one, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_a_deleted_object_has_no_score(form):
    x0, y0, x1, y1 = PATCHES[0]
    mask = Occlusion(detector(form), box(form, 0, box=PATCHES[0]), size=(y1 - y0, x1 - x0), stride=2, value=-1.0).GetMask(X)
    assert mask[0].argmax() in np.arange(X[0].size).reshape(SPACE)[y0:y1, x0:x1]
    assert Occlusion(detector(form), box(form, 0, box=PATCHES[0]), size=SPACE, value=-1.0).GetMask(X).max() > 0.2


def _iou(one, other):
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    inner = max(width, 0) * max(height, 0)
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return inner / (sum(areas) - inner)


def _proposals(form, outputs, i):
    """Return (box, class scores, objectness) of each detection of input i, by the definition of each form."""
    rows, columns = SPACE
    if form == "list":
        vectors = zip(outputs[i]["boxes"], outputs[i]["labels"], outputs[i]["scores"], strict=True)
        return [(one, np.eye(3)[label], score) for one, label, score in vectors]
    if form in ("softmax", "sigmoid"):
        centers, logits = outputs["pred_boxes"][i] * [columns, rows, columns, rows], outputs["logits"][i].astype(float)
        powers = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        scores = powers[:, :-1] if form == "softmax" else 1 / (1 + np.exp(-logits))
        certain = 1 - powers[:, -1] if form == "softmax" else scores.max(axis=1)
    else:
        array = outputs[i] if form == "anchors first" else outputs[0][i].T
        centers, scores = array[:, :4], array[:, 5:] if form == "objectness" else array[:, 4:]
        certain = array[:, 4] if form == "objectness" else scores.max(axis=1)
    boxes = [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in centers]
    return list(zip(boxes, scores, certain, strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_rise_is_d_rise(form):
    """Compare with the formula, proposal by proposal, on the masks that the detector received (the picture is 1, the rest 0)."""
    passes = []

    def recorded(x):
        passes.append(x[:, 0].copy())
        return FORMS[form](x, np)

    ones = np.ones((3, *SPACE))
    target = box(form, 0, box=PATCHES[0])
    adapter = FunctionAdapter(recorded, channel_axis=0)
    adapter.independent_samples = True  # no further passes
    mask = RISE(adapter, target, nmasks=40, cells=5, seed=3, batch_size=16, control_variate=False).GetMask(ones)
    masks = np.concatenate(passes[1:])  # the first pass is of the clean picture
    assert len(masks) == 40
    clean = _proposals(form, FORMS[form](ones[None], np), 0)
    wanted, classes, _ = max(clean, key=lambda one: _iou(one[0], PATCHES[0]))
    scores = []
    for one in masks:
        found = _proposals(form, FORMS[form](np.stack([one] * 3)[None], np), 0)
        cosine = [vector @ classes / np.linalg.norm(vector) / np.linalg.norm(classes) for _, vector, _ in found]
        products = [_iou(at, wanted) * c * o for (at, _, o), c in zip(found, cosine, strict=True)]
        scores.append(max(products, default=0.0))
    scores = np.array(scores)
    assert scores.std() > 0.01
    expected = np.tensordot(scores, masks, 1) / masks.sum(axis=0) - scores.mean()
    np.testing.assert_allclose(mask[0], expected, atol=2e-6)


def test_the_highest_detections_are_ranked():
    ys = [Box.top(0, no_object=True), Box.top(1, no_object=True), Box.top(0, 1, no_object=True)]
    bright = X.copy()
    bright[:, 20:30, 22:30] += 1
    masks = Occlusion(detector("softmax"), size=16, stride=16).GetMasks([bright] * 3, y=ys)
    assert masks.details["label"].tolist() == [1, 0, 1]
    assert masks.details["detection_score"][0] > masks.details["detection_score"][1]
    assert masks.about.targets[1] == "class 0 in the box (6, 4, 16, 12)"


def test_boxes_of_one_object_count_once():
    def outputs(x):
        array = anchor_outputs(x, np)[0]
        twin = array[:, :, 1:2] * np.array([1.01, 1, 1, 1, 0.99, 1, 1])[:, None]  # a neighboring anchor of the first object
        return np.concatenate([array, twin], axis=2)

    masks = Occlusion(outputs, size=16, stride=16).GetMasks([X] * 2, y=[Box.top(0), Box.top(1)])
    assert sorted(masks.details["label"]) == [0, 1]


@pytest.mark.parametrize(
    ("form", "target", "message"),
    [
        ("anchors", Box(0, (100, 4, 116, 12)), r"outside of the picture, which has 40 columns \(x\) and 32 rows"),
        ("anchors", Box(0, (0.1, 0.1, 0.4, 0.4)), "in pixels of the input, not in fractions"),
        ("anchors", Box(3, (6, 4, 16, 12)), r"`label` \(=3\) is not a class of the detector, which has 3 \(0 to 2\)"),
        ("list", Box(7, (6, 4, 16, 12)), "finds no object of this label; it finds labels 1, 2"),
        ("anchors", Box(None, (30, 8, 36, 14)), "matches no detection.*nearest is label 0 in"),
        ("anchors", Box.top(2), r"Box.top\(2\): the detector finds 2 object"),
        ("anchors", Box.top(0, 2), "finds no object of label 2 in the input: the highest score is 0.018"),
    ],
)
def test_a_box_that_is_not_there_is_refused(form, target, message):
    with pytest.raises(TargetError, match=message):
        Occlusion(detector(form), target).GetMask(X)


@pytest.mark.parametrize("target", [Box.top(0), Box(None, (6, 4, 16, 12))])
def test_a_detector_that_finds_nothing_is_refused(target):
    with pytest.raises(TargetError, match="the detector finds nothing in the input"):
        Occlusion(detector("list"), target).GetMask(-X)


@pytest.mark.parametrize(
    ("outputs", "error", "message"),
    [
        (lambda x: x.mean((2, 3)), TargetError, r"does not return detections: an array of shape \(1, 3\)"),
        (lambda x: query_outputs(x, np, True), ModelError, "4 classes, which the model does not name.*no_object=True"),
        (
            lambda x: {**query_outputs(x, np, True), "pred_boxes": x[..., 0]},
            ModelError,
            r"shapes \(1, 4, 4\) and \(1, 3, 32\)",
        ),
        (lambda x: anchor_outputs(x, np, False), ModelError, "whether the fifth number is an objectness"),
        (lambda x: anchor_outputs(x, np)[0] - 2, ModelError, "neither of its axes holds boxes and scores"),
        (lambda x: np.full((1, 6, 6), 0.5), ModelError, "either of its axes may hold the boxes"),
        (lambda x: np.tile([1.0, 2, 30, 20, 0.9, 0], (1, 5, 1)), ModelError, "before non-maximum suppression"),
        (lambda x: anchor_outputs(x * np.nan, np), TargetError, "NaN or infinite|neither"),
    ],
)
def test_an_output_of_another_form_is_refused(outputs, error, message):
    with pytest.raises((error, ModelError), match=message):
        Occlusion(FunctionAdapter(outputs, channel_axis=0), Box.top(0)).GetMask(X)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label": "cat"}, "`label`.*whole number"),
        ({"label": -1}, "`label`.*whole number, 0 to"),
        ({"box": (1, 2, 3)}, "four numbers"),
        ({"box": (5, 2, 3, 4)}, "x0 < x1"),
        ({"rank": 1.5}, "`rank`"),
        ({"no_object": 1}, "`no_object`.*True, False or None"),
    ],
)
def test_an_invalid_box_is_refused(arguments, message):
    with pytest.raises(TargetError, match=message):
        Box(**arguments)


@pytest.mark.parametrize("form", ["softmax", "sigmoid", "objectness", "anchors first"])
def test_the_number_of_classes_proves_the_form(form):
    """No option is needed if the model names its classes, as models of transformers and ultralytics do."""
    adapter = detector(form)
    names = {i: f"name {i}" for i in range(3)}
    adapter.model = (
        SimpleNamespace(config=SimpleNamespace(id2label=names)) if form.endswith("x") else SimpleNamespace(names=names)
    )
    mask = Occlusion(adapter, Box(0, PATCHES[0]), size=8, stride=8).GetMask(X)
    np.testing.assert_array_equal(mask, Occlusion(detector(form), box(form, 0, box=PATCHES[0]), size=8, stride=8).GetMask(X))


def test_a_class_of_a_detector_is_refused():
    with pytest.raises(TargetError, match="saliency.Box"):
        Occlusion(partial(list_outputs, xp=np), 1).GetMask(X)

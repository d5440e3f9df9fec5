"""Gradients of regions and of detections."""

from functools import partial

import numpy as np
import pytest
import torch

from saliency import Box, GradCAM, InputXGradient, IntegratedGradients, LayerCAM, Region, ScoreCAM, Vanilla
from tests.detectors import FORMS, OPTIONS, PATCHES, SPACE

RNG = np.random.default_rng(0)
X = (1 + 0.1 * RNG.normal(size=(3, *SPACE))).astype(np.float32)


class Detector(torch.nn.Module):
    """A detector that sees the picture through one convolution."""

    def __init__(self, form):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 3, 1, bias=False)
        self.conv.weight.data = torch.eye(3)[:, :, None, None] + 0.1
        self.outputs = FORMS[form]

    def forward(self, x):
        return self.outputs(torch.relu(self.conv(x)), torch)


def score_of(form, outputs, label):
    """Return the score of the object of a label, by the definition of each form."""
    if form == "list":
        return outputs[0]["scores"][label]
    if form in ("softmax", "sigmoid"):
        return outputs["logits"][0, 1 + label, label]
    array = outputs[0] if form == "anchors first" else outputs[0][0].T
    return array[1 + label, 5 + label] * array[1 + label, 4] if form == "objectness" else array[1 + label, 4 + label]


@pytest.mark.parametrize("form", FORMS)
def test_the_gradient_is_that_of_the_score(form):
    model, first = Detector(form).eval(), int(form == "list")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    ys = [Box(label + first, patch, **OPTIONS.get(form, {})) for label, patch in PATCHES.items()]
    masks = Vanilla(model).GetMasks([X, X], y=ys)
    for label, mask in enumerate(masks):
        x = torch.tensor(X[None]).requires_grad_()
        score_of(form, model(x), label).backward()
        np.testing.assert_allclose(mask, x.grad[0], atol=1e-6 * float(x.grad.abs().max()))
        x0, y0, x1, y1 = PATCHES[label]
        assert np.abs(mask).sum() == pytest.approx(np.abs(mask[:, y0:y1, x0:x1]).sum()) != 0
    np.testing.assert_array_equal(Vanilla(model, ys[1]).GetMask(X), masks[1])
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_boxes_of_one_picture_share_a_forward_pass():
    model, sizes = Detector("softmax").eval(), []
    model.register_forward_hook(lambda _module, inputs, _output: sizes.append(len(inputs[0])))
    Vanilla(model).GetMasks([X, X, X], y=[Box.top(k % 2, no_object=True) for k in range(3)])
    assert sizes == [1, 1]  # the clean pass, and the pass of the gradients


def test_other_methods_explain_the_same_detection():
    model, y = Detector("anchors").eval(), Box(0, PATCHES[0])
    x0, y0, x1, y1 = PATCHES[0]
    methods = (
        InputXGradient,
        partial(IntegratedGradients, x_steps=5),
        *(partial(cam, layer="conv") for cam in (LayerCAM, ScoreCAM)),
    )
    for method in methods:
        mask = method(model, y).GetMask(X)
        assert mask.details["label"] == 0 and mask.about.targets == ["class 0 in the box (6, 4, 16, 12)"]
        plane = np.abs(mask).reshape(-1, *SPACE).sum(axis=0)
        share = plane[y0:y1, x0:x1].sum() / plane.sum()
        assert share > 0.99 or getattr(method, "func", None) is ScoreCAM
    smoothed = Vanilla(model, y).GetSmoothedMask(X, nsamples=4, seed=0)
    assert np.abs(smoothed)[:, y0:y1, x0:x1].sum() == pytest.approx(np.abs(smoothed).sum())
    twice = Vanilla(model).GetMasks([X, X[:, ::-1].copy() + X], y=[y, y])
    np.testing.assert_allclose(twice[0], Vanilla(model, y).GetMask(X), atol=1e-7)


class Segmenter(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 6, 3, padding=1)
        self.head = torch.nn.Conv2d(6, 4, 3, padding=1, stride=2)

    def forward(self, x):
        return {"out": torch.softmax(self.head(torch.relu(self.conv(x))), 1), "aux": x[:, :1]}


@pytest.mark.parametrize("method", [Vanilla, partial(GradCAM, layer="conv")])
def test_a_region_is_the_mean_of_logits(method):
    torch.manual_seed(0)
    model, square = Segmenter().eval(), torch.zeros(SPACE)
    square[5:20, 7:30] = 1
    mask = method(model, Region(2, square)).GetMask(X)

    def logits_in_the_square(x):
        logits = model.head(torch.relu(model.conv(x)))
        return (logits[:, 2] * square[1::2, 1::2]).sum((1, 2)) / square[1::2, 1::2].sum()

    class Score(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = model.conv

        def forward(self, x):
            return logits_in_the_square(x)[:, None]

    expected = method(Score().eval(), 0).GetMask(X)
    np.testing.assert_allclose(mask, expected, atol=1e-6 * np.abs(expected).max())
    assert mask.details["output"] == "out"
    two = method(model).GetMasks([X, X], y=[Region(2, square), Region(1, "argmax")])
    np.testing.assert_allclose(two[0], mask, atol=1e-6 * np.abs(expected).max())

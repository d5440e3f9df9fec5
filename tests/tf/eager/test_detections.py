"""Gradients of detections in TensorFlow, against those of a tape."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from saliency import (
    Box,
    GradCAM,
    GradientSHAP,
    InputXGradient,
    IntegratedGradients,
    LayerCAM,
    TargetError,
    Vanilla,
    wrap,
)
from tests.detectors import FORMS, OPTIONS, PATCHES, SPACE

RNG = np.random.default_rng(0)
X = (1 + 0.1 * RNG.normal(size=(*SPACE, 3))).astype(np.float32)
DENSE = [form for form in FORMS if form != "list"]


class Outputs(keras.layers.Layer):
    """The outputs of a detector from features (N, rows, columns, 3)."""

    def __init__(self, form):
        super().__init__()
        self.form = form

    def call(self, features):
        outputs = FORMS[self.form](tf.transpose(features, (0, 3, 1, 2)), tnp)
        return {name: one for name, one in outputs.items() if one is not None} if isinstance(outputs, dict) else outputs


def detector(form):
    """Return a Keras model that sees the picture through one convolution."""
    x = keras.Input((*SPACE, 3))
    convolution = keras.layers.Conv2D(3, 1, activation="relu", use_bias=False, name="conv")
    model = keras.Model(x, Outputs(form)(convolution(x)))
    convolution.set_weights([np.eye(3)[None, None] + 0.1])
    return model


def score_of(form, outputs, label):
    """Return the score of the object of a label, by the definition of each form."""
    if form in ("softmax", "sigmoid"):
        return outputs["logits"][0, 1 + label, label]
    array = outputs[0] if form == "anchors first" else tf.transpose(outputs[0][0])
    return array[1 + label, 5 + label] * array[1 + label, 4] if form == "objectness" else array[1 + label, 4 + label]


@pytest.mark.parametrize("form", DENSE)
def test_the_gradient_is_that_of_the_score(form):
    model = detector(form)
    weights = model.get_weights()
    ys = [Box(label, patch, **OPTIONS.get(form, {})) for label, patch in PATCHES.items()]
    masks = Vanilla(model).GetMasks([X, X], y=ys)
    for label, mask in enumerate(masks):
        x = tf.constant(X[None])
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = score_of(form, model(x), label)
        expected = tape.gradient(score, x)[0].numpy()
        np.testing.assert_allclose(mask, expected, atol=1e-6 * np.abs(expected).max())
        x0, y0, x1, y1 = PATCHES[label]
        assert np.abs(mask).sum() == pytest.approx(np.abs(mask[y0:y1, x0:x1]).sum()) != 0
    np.testing.assert_array_equal(Vanilla(model, ys[1]).GetMask(X), masks[1])
    assert all(map(np.array_equal, model.get_weights(), weights))


def test_other_methods_explain_the_same_detection():
    model, y = detector("anchors"), Box(0, PATCHES[0])
    x0, y0, x1, y1 = PATCHES[0]
    cams = (partial(cam, layer="conv", should_resize=False) for cam in (LayerCAM, GradCAM))
    paths = (partial(IntegratedGradients, x_steps=5), GradientSHAP)
    for method in (InputXGradient, *paths, *cams):
        mask = method(model, y).GetMask(X)
        assert mask.details["label"] == 0 and mask.about.targets == ["class 0 in the box (6, 4, 16, 12)"]
        plane = np.abs(mask).reshape(*SPACE, -1).sum(axis=-1)
        assert plane[y0:y1, x0:x1].sum() / plane.sum() > (0.99 if getattr(method, "func", None) is not GradCAM else 0)
    smoothed = Vanilla(model, y).GetSmoothedMask(X, nsamples=4, seed=0)
    assert np.abs(smoothed)[y0:y1, x0:x1].sum() == pytest.approx(np.abs(smoothed).sum())
    twice = Vanilla(model).GetMasks([X, X[::-1].copy() + X], y=[y, y])
    np.testing.assert_allclose(twice[0], Vanilla(model, y).GetMask(X), atol=1e-7)


def test_detections_share_a_graph():
    model = detector("softmax")
    adapter = wrap(model)
    for k in (0, 1):
        Vanilla(adapter, Box.top(k, no_object=True)).GetMask(X)
    assert sum("KeptScore" in str(key) for key in adapter._traces._store.traces) == 1


def test_gradients_of_lists_of_detections_are_refused():
    class Lists(keras.layers.Layer):
        def call(self, x):
            boxes, scores = tf.constant([PATCHES[0]], tf.float32), tf.reduce_mean(x, (1, 2, 3))
            return [{"boxes": boxes, "labels": tf.ones(1, tf.int64), "scores": scores[i : i + 1]} for i in range(2)]

    x, y = keras.Input((*SPACE, 3), batch_size=2), Box(1, PATCHES[0])
    model = keras.Model(x, Lists()(x))
    with pytest.raises(TargetError, match="only methods without gradients explain it"):
        Vanilla(model).GetMasks([X, X + 0.1], y=[y, y])

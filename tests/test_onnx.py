"""Occlusion and RISE explain an ONNX Runtime session; a stand-in with its interface, and the real one where it is installed."""

import importlib
import re
from types import SimpleNamespace

import numpy as np
import pytest

import saliency

ROWS, COLUMNS = 6, 7
RANDOM = np.random.default_rng(0)
KERNELS, OF_IMAGE, OF_ROW = (RANDOM.normal(size=shape).astype(np.float32) for shape in [(8, 3), (8, 5), (4, 5)])
X = RANDOM.normal(size=(3, ROWS, COLUMNS)).astype(np.float32)
ROW = RANDOM.normal(size=4).astype(np.float32)
SIZES = {"image": (3, ROWS, COLUMNS), "row": (4,)}
WINDOWS = {"size": 3, "stride": 2}


class StandIn:
    """A session of the same network, as strict as a real one about names, dtypes and shapes."""

    def __init__(self, batch, dtype):
        self._batch, self._dtype = batch, np.dtype(dtype)

    def get_inputs(self):
        return [SimpleNamespace(name=name, shape=[self._batch or "N", *size]) for name, size in SIZES.items()]

    def get_outputs(self):
        return [SimpleNamespace(name=name) for name in ("labels", "probabilities", "logits")]

    def run(self, output_names, feed):
        assert feed.keys() == SIZES.keys()
        for name, array in feed.items():
            if array.dtype != self._dtype or array.shape[1:] != SIZES[name]:
                raise ValueError(f"INVALID_ARGUMENT: {name} {array.dtype} {array.shape}")
        if self._batch not in (None, len(feed["image"])):
            raise ValueError(f"INVALID_ARGUMENT: batch {len(feed['image'])}, expected {self._batch}")
        features = np.maximum(np.einsum("fc,ncxy->nfxy", KERNELS, feed["image"]), 0).mean((2, 3))
        logits = (features @ OF_IMAGE + feed["row"] @ OF_ROW).astype(self._dtype)
        exponentials = np.exp(logits - logits.max(1, keepdims=True))
        arrays = [logits.argmax(1), exponentials / exponentials.sum(1, keepdims=True), logits]
        outputs = dict(zip(("labels", "probabilities", "logits"), arrays, strict=True))
        return [outputs[name] for name in output_names or outputs]


def onnx_session(batch, dtype):
    onnx, runtime = importlib.import_module("onnx"), importlib.import_module("onnxruntime")
    helper, kind = onnx.helper, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [
        helper.make_node("Conv", ["image", "kernels"], ["features"]),
        helper.make_node("Relu", ["features"], ["positive"]),
        helper.make_node("GlobalAveragePool", ["positive"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["vector"]),
        helper.make_node("MatMul", ["row", "of_row"], ["shift"]),
        helper.make_node("Gemm", ["vector", "of_image", "shift"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
        helper.make_node("ArgMax", ["logits"], ["labels"], axis=1, keepdims=0),
    ]
    weights = {"kernels": KERNELS[:, :, None, None], "of_image": OF_IMAGE, "of_row": OF_ROW}
    constants = [onnx.numpy_helper.from_array(value.astype(dtype), name) for name, value in weights.items()]
    value, n = helper.make_tensor_value_info, batch or "N"
    inputs = [value(name, kind, [n, *size]) for name, size in SIZES.items()]
    scores = [value(name, kind, [n, 5]) for name in ("probabilities", "logits")]
    graph = helper.make_graph(nodes, "net", inputs, [value("labels", onnx.TensorProto.INT64, [n]), *scores], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.fixture(params=["stand-in", pytest.param("real", marks=pytest.mark.needs("onnxruntime", "onnx"))])
def make_session(request):
    """Return a function: a fixed batch size or None, dtype -> session."""
    make = StandIn if request.param == "stand-in" else onnx_session
    return lambda batch=None, dtype="float32": make(batch, dtype)


def function_of(session, *outputs):
    return lambda image, row: session.run(list(outputs) or None, {"image": image, "row": row})


def expected_drops(k, windows=((0, 2, 3), (0, 2, 4))):
    """Return the map in closed form: a window's drop is the sum of its pixels' shares of the mean over all positions."""
    share = np.einsum("fxy,f->xy", np.maximum(np.einsum("fc,cxy->fxy", KERNELS, X), 0), OF_IMAGE[:, k]) / (ROWS * COLUMNS)
    mask = np.zeros((ROWS, COLUMNS))
    for top in windows[0]:
        for left in windows[1]:
            mask[top : top + 3, left : left + 3] += share[top : top + 3, left : left + 3].sum()
    return np.broadcast_to(mask, X.shape)


def test_occlusion_of_logits_is_the_closed_form(make_session):
    function = function_of(make_session(), "logits")
    for k in range(5):
        mask = saliency.Occlusion(function, k).GetMask(X, {"row": ROW}, **WINDOWS)
        np.testing.assert_allclose(mask, expected_drops(k), atol=2e-6)


def test_a_class_is_read_from_the_probabilities_beside_the_labels(make_session):
    outputs = function_of(make_session(), "labels", "probabilities")
    for method in (saliency.Occlusion, saliency.RISE):
        options = WINDOWS if method is saliency.Occlusion else {"nmasks": 60, "cells": 3, "seed": 0}
        mask = method(outputs, 2).GetMask(X, {"row": ROW}, **options)
        expected = method(function_of(StandIn(None, "float32"), "probabilities"), 2).GetMask(X, {"row": ROW}, **options)
        np.testing.assert_allclose(mask, expected, atol=1e-6)
        assert mask.details["output"] == "1"
        assert np.abs(mask).max() > 0.01


def test_outputs_are_named_or_listed(make_session):
    session = make_session()
    with pytest.raises(
        saliency.ModelError, match=r"several outputs may hold the classes: '0' \(1,\), '1' \(1, 5\), '2' \(1, 5\)"
    ):
        saliency.Occlusion(function_of(session), 2).GetMask(X, {"row": ROW}, **WINDOWS)
    names = [one.name for one in session.get_outputs()]
    by_name = lambda **arrays: dict(zip(names, session.run(None, arrays), strict=True))  # noqa: E731
    for output in (None, "logits"):
        model = saliency.FunctionAdapter(by_name, output=output, input="image")
        mask = saliency.Occlusion(model, 2).GetMask(X, {"row": ROW}, **WINDOWS)
        np.testing.assert_allclose(mask, expected_drops(2), atol=2e-6)


def test_inputs_are_explained_by_name(make_session):
    function = function_of(make_session(), "logits")
    model = saliency.FunctionAdapter(function, input="row", channel_axis=None)
    mask = saliency.Occlusion(model, 2).GetMask(ROW, {"image": X}, size=1)
    np.testing.assert_allclose(mask, ROW * OF_ROW[:, 2], atol=2e-6)
    both = saliency.Occlusion(function, 2).GetMask(
        {"image": X, "row": ROW}, size={"image": 3, "row": 1}, stride={"image": 2, "row": 1}
    )
    np.testing.assert_allclose(both["row"], mask, atol=1e-6)
    np.testing.assert_allclose(both["image"], expected_drops(2), atol=2e-6)


def test_a_batch_size_that_is_fixed_to_1(make_session):
    function = function_of(make_session(batch=1), "logits")
    mask = saliency.Occlusion(function, 2, batch_size=1).GetMask(X, {"row": ROW}, **WINDOWS)  # a warning would be an error
    np.testing.assert_allclose(mask, expected_drops(2), atol=2e-6)
    with pytest.warns(saliency.BatchWarning, match=r"one at a time from now on, as with batch_size=1"):
        again = saliency.Occlusion(function, 2).GetMask(X, {"row": ROW}, **WINDOWS)
    np.testing.assert_array_equal(again, mask)


def test_a_fixed_batch_size_that_the_function_fills(make_session):
    session = make_session(batch=4)

    def filled(image, row):
        feed = {"image": np.resize(image, (4, *image.shape[1:])), "row": np.resize(row, (4, 4))}
        return session.run(["logits"], feed)[0][: len(image)]

    mask = saliency.Occlusion(filled, 2, batch_size=4).GetMask(X, {"row": ROW}, **WINDOWS)
    np.testing.assert_allclose(mask, expected_drops(2), atol=2e-6)


def test_half_precision(make_session):
    function, row = function_of(make_session(dtype="float16"), "logits"), ROW.astype(np.float16)
    model = saliency.FunctionAdapter(function, dtype="float16")
    mask = saliency.Occlusion(model, 2).GetMask(X, {"row": row}, **WINDOWS)
    np.testing.assert_allclose(mask, expected_drops(2), atol=2e-2 * np.abs(expected_drops(2)).max())
    with pytest.raises(saliency.InputError, match=r"failed for `x_value`, float32 .*INVALID_ARGUMENT"):
        saliency.Occlusion(function, 2).GetMask(X, {"row": row}, **WINDOWS)


def test_a_session_itself_is_refused_with_a_way_on(make_session):
    session = make_session()
    way_on = "pass a function that calls its `run`: lambda x: session.run(None, {session.get_inputs()[0].name: x})"
    with pytest.raises(saliency.InputError, match=re.escape(way_on)):
        saliency.Occlusion(session, 2).GetMask(X, **WINDOWS)

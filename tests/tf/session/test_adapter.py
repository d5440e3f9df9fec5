"""A graph and its session give what the same weights give through Keras, or what was worked out by hand; and stay as they were."""

import copy
import gc
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf

import saliency
import saliency.tf as pair
from saliency import Deconvnet, GuidedBackprop, Vanilla
from saliency.core.errors import GradientError, InputError, LogitWarning, MemoryShortage, ModelError, NoReLUError, TargetError
from saliency.core.request import Request
from saliency.tf import GraphAdapter
from tests.tf.relu_networks import W1, W2, W3, X, by_hand, exported, in_a_branch, in_a_case, in_a_function, in_a_loop, saved
from tests.tf.session.session_networks import keras_pictures, perceptron, session_pictures, v1

RULES = {"guided": GuidedBackprop, "rectified": Deconvnet, None: Vanilla}

METHODS = {
    "Vanilla": {},
    "GuidedBackprop": {},
    "Deconvnet": {},
    "InputXGradient": {},
    "IntegratedGradients": {"x_steps": 7, "x_baseline": "mean"},
    "GradientSHAP": {"x_steps": 6, "seed": 3, "spread": 0.1},
    "Occlusion": {"size": 3, "value": "blur", "stride": 2},
    "RISE": {"nmasks": 60, "cells": 4, "seed": 5},
    "GradCAM": {"layer": "last"},
    "GradCAMPlusPlus": {"layer": "last"},
    "HiResCAM": {"layer": "first"},
    "LayerCAM": {"layer": "first"},
    "XGradCAM": {"layer": "last"},
    "ScoreCAM": {"layer": "last"},
    "GuidedGradCAM": {"layer": "last"},
}


@pytest.fixture(scope="module")
def keras_model():
    return keras_pictures()


@pytest.fixture(scope="module")
def pictures(keras_model):
    return session_pictures(keras_model)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).normal(size=(3, 8, 8, 3)).astype("float32")


def assert_close(found, expected, tolerance=1e-5):
    assert found.shape == expected.shape
    assert abs(expected).max() > 1e-3  # of nothing, anything is near
    np.testing.assert_allclose(found, expected, atol=tolerance * abs(expected).max(), rtol=0)


def operations(graph):
    return len(graph.get_operations())


@pytest.mark.parametrize("name", METHODS)
def test_as_through_keras(name, keras_model, pictures, images):
    graph, session = pictures
    through = saliency.wrap(keras_model)
    adapter = GraphAdapter(graph, session, "probabilities", "x")
    adapter.normal = lambda shape, seeds: through.normal(shape, seeds).numpy()  # each framework has its own noise
    ours, theirs = (getattr(saliency, name)(one, **METHODS[name]) for one in (adapter, through))
    assert_close(ours.GetMasks(images, y=[2, [0, 1], None]), theirs.GetMasks(images, y=[2, [0, 1], None]))
    # a class gets one forward pass with several backward: RISE and the like have none
    assert_close(ours.GetMasks([images[0]] * 4, y=range(4)), theirs.GetMasks([images[0]] * 4, y=range(4)))
    ours, theirs = (one.GetSmoothedMasks(images[:2], y=1, nsamples=4, seed=7) for one in (ours, theirs))
    assert_close(ours, theirs)
    assert ours.dtype == np.float32


def test_probabilities_and_units_as_through_keras(keras_model, pictures, images):
    through, adapter = saliency.wrap(keras_model), GraphAdapter(*pictures, "probabilities:0", "x:0")
    for y, logits in ((2, False), (("last", 3), True), (("last", 3, 1, 2), True)):
        ours, theirs = (Vanilla(one, y, logits=logits).GetMask(images[0]) for one in (adapter, through))
        assert_close(ours, theirs)
    with_logits = Vanilla(adapter, 2).GetMask(images[0])
    assert abs(with_logits - Vanilla(adapter, 2, logits=False).GetMask(images[0])).max() > 0.01


@pytest.mark.parametrize("method", ["Vanilla", "GuidedBackprop", "IntegratedGradients", "Occlusion", "GradCAM"])
def test_pair_s_constructors_explain_one_number(method, keras_model, pictures, images):
    """PAIR's y is logits[0][neuron_selector]; its defaults are the core's but for Integrated Gradients and Grad-CAM."""
    graph, session = pictures
    mask = getattr(pair, method)(graph, session, graph.get_tensor_by_name("y:0"), graph.get_tensor_by_name("x:0"))
    options = {"Occlusion": {"size": 3}}.get(method, {})
    defaults = {"IntegratedGradients": {"rule": "inclusive", "x_steps": 25}, "GradCAM": {"three_dims": True}}.get(method, {})
    theirs = getattr(saliency, method)(keras_model, 3, **defaults, **options)
    feed = {graph.get_tensor_by_name("selected:0"): 3}
    assert_close(mask.GetMask(images[0], feed, **options), theirs.GetMask(images[0]))
    assert_close(mask.GetMask(images[1], {"selected": 3}, **options), theirs.GetMask(images[1]))
    assert mask.GetMask(images[0], feed, **options).shape == (8, 8, 3)
    smoothed = mask.GetSmoothedMask(images[0], feed, nsamples=3, seed=1, **options)
    own = getattr(pair, method)(graph, session, "logits", "x", target=3)
    assert_close(own.GetSmoothedMask(images[0], nsamples=3, seed=1, **options), smoothed)


def test_pair_s_integrated_gradients_by_its_definition():
    graph, session, y, x = perceptron()
    points = np.linspace(0, 1, 25)  # both ends at full weight, divided by the number of steps
    expected = X[0] * sum(by_hand(point * X[0], 1) for point in points) / 25
    assert_close(pair.IntegratedGradients(graph, session, y, x, target=1).GetMask(X[0]), expected)


def test_pair_s_older_names():
    graph, session, y, x = perceptron(head=lambda y: y[0, 2])
    assert_close(pair.GradientSaliency(graph, session, y, x).GetMask(X[0]), by_hand(X[0], 2))
    mask = pair.GuidedBackpropSaliency(graph, session, y, x, tmp_ckpt_path="/nowhere/at/all")
    assert_close(mask.GetMask(X[0], {}), by_hand(X[0], 2, "guided"))
    assert pair.GradCam is pair.GradCAM


def conditions_of_the_first_version(x):
    v1.disable_control_flow_v2()
    try:
        return in_a_branch(x)
    finally:
        v1.enable_control_flow_v2()


def loop_of_the_first_version(x):
    v1.disable_control_flow_v2()
    try:
        return in_a_loop(x)
    finally:
        v1.enable_control_flow_v2()


WAYS = [
    tf.nn.relu,
    in_a_branch,
    in_a_case,
    in_a_loop,
    in_a_function,
    conditions_of_the_first_version,
    loop_of_the_first_version,
]


@pytest.mark.parametrize("resource", [True, False])
@pytest.mark.parametrize("relu", WAYS, ids=lambda way: way.__name__)
def test_every_relu_is_reached_and_none_is_changed(relu, resource):
    graph, session, y, x = perceptron(relu, resource)
    before = graph.as_graph_def().node
    for rule in (*RULES, *RULES):
        masks = RULES[rule](GraphAdapter(graph, session, y, x)).GetMasks(X, y=[0, 1, 2, 0])
        expected = np.stack([by_hand(one, y, rule) for one, y in zip(X, [0, 1, 2, 0], strict=True)])
        assert_close(masks, expected)
    assert list(graph.as_graph_def().node[: len(before)]) == list(before)
    assert np.isfinite(session.run(y, {x: X})).all()  # the session can still run what it ran before


@pytest.mark.parametrize("make", [saved, exported, *(lambda folder, relu=relu: saved(folder, relu) for relu in WAYS[1:5])])
def test_a_saved_model_in_a_session(make, tmp_path):
    folder = make(tmp_path / "saved")
    graph = tf.Graph()
    with v1.Session(graph=graph) as session:
        with graph.as_default():
            signature = v1.saved_model.load(session, ["serve"], folder).signature_def["serving_default"]
        (x,), (y,) = signature.inputs.values(), signature.outputs.values()
        session.run(y.name, {x.name: X})
        assert {"StatefulPartitionedCall"} <= {op.type for op in graph.get_operations()}
        for rule, method in RULES.items():
            masks = method(GraphAdapter(graph, session, y.name, x.name)).GetMasks(X[:2], y=[0, 1])
            assert_close(masks, np.stack([by_hand(X[0], 0, rule), by_hand(X[1], 1, rule)]))


def test_logits_within_a_call():
    graph, session, y, x = perceptron(head=tf.function(tf.nn.softmax))
    adapter = GraphAdapter(graph, session, y, x)
    assert_close(Vanilla(adapter, 1).GetMask(X[0]), by_hand(X[0], 1))
    logits = np.maximum(np.maximum(X[:1] @ W1, 0) @ W2, 0) @ W3
    np.testing.assert_allclose(adapter.outputs(X[:1], Request(saliency.core.target.Target())), logits, rtol=1e-4)


def test_hidden_logits_are_told():
    graph, session, y, x = perceptron(head=lambda y: tf.nn.softmax(y) * 2.0)
    with pytest.warns(LogitWarning, match="logits=False"):
        Vanilla(GraphAdapter(graph, session, y, x), 1).GetMask(X[0])


def test_a_loop_that_was_imported_is_told():
    graph, session, y, x = perceptron(loop_of_the_first_version)
    constants = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), [y.op.name])
    with tf.Graph().as_default() as other, v1.Session() as session:
        tf.import_graph_def(constants, name="")
        adapter = GraphAdapter(other, session, y.name, x.name)
        with pytest.raises(ModelError, match="loop of TensorFlow 1"):
            Vanilla(adapter, 0).GetMask(X[0])
        logits = (np.maximum(np.maximum(X[0] @ W1, 0) @ W2, 0) @ W3)[0]
        mask = saliency.Occlusion(adapter, 0).GetMask(X[0], size=6)  # without a gradient it goes
        np.testing.assert_allclose(mask, np.full(6, logits), rtol=1e-4)


@pytest.mark.parametrize("finalized", [False, True])
def test_a_frozen_graph(finalized, keras_model, pictures, images):
    graph, session = pictures
    constants = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["probabilities"])
    frozen = tf.Graph()
    with frozen.as_default():
        tf.import_graph_def(constants, name="model")
    if finalized:
        frozen.finalize()
    adapter = GraphAdapter(frozen, v1.Session(graph=frozen), "model/probabilities", "model/x", "model/last")
    for method in (Vanilla, GuidedBackprop, saliency.GradCAM, saliency.Occlusion):
        options = {"size": 4} if method is saliency.Occlusion else {"layer": "last"} if method is saliency.GradCAM else {}
        theirs = method(keras_model, 1).GetMask(images[0], **options)
        options.pop("layer", None)  # the adapter's own
        assert_close(method(adapter, 1).GetMask(images[0], **options), theirs)
    assert frozen.finalized is finalized


def test_a_finalized_graph_stays_so_after_an_error():
    graph, session, y, x = perceptron(tf.tanh)
    graph.finalize()
    with pytest.raises(NoReLUError, match="Tanh"):
        GuidedBackprop(GraphAdapter(graph, session, y, x), 0).GetMask(X[0])
    assert graph.finalized
    alike = GuidedBackprop(GraphAdapter(graph, session, y, x), 0, allow_no_relu=True).GetMask(X[0])
    np.testing.assert_array_equal(alike, Vanilla(GraphAdapter(graph, session, y, x), 0).GetMask(X[0]))
    assert graph.finalized


def test_the_graph_grows_by_a_question_and_not_by_a_call(images, keras_model):
    graph, session = session_pictures(keras_model)

    def ask(y):
        for method in ("Vanilla", "GuidedBackprop", "IntegratedGradients", "GradCAM"):
            mask = getattr(pair, method)(graph, session, "probabilities", "x")
            mask.GetMask(images[0])
            mask.GetMasks(images, y=y)
            mask.GetSmoothedMask(images[0], nsamples=2)

    ask(2)
    before = operations(graph)
    for y in (0, 1, [0, 2, 3]):
        ask(y)
    assert operations(graph) == before


def test_a_failure_adds_operations_once():
    graph, session, y, x = perceptron(tf.tanh)
    sizes = []
    for _ in range(3):
        with pytest.raises(NoReLUError):
            GuidedBackprop(GraphAdapter(graph, session, y, x), 0).GetMask(X[0])
        sizes.append(operations(graph))
    assert sizes[1:] == sizes[:1] * 2


def test_nothing_keeps_the_graph():
    graph, session, y, x = perceptron()
    GuidedBackprop(GraphAdapter(graph, session, y, x), 0).GetMask(X[0])
    with pytest.raises(TargetError):
        Vanilla(GraphAdapter(graph, session, y, x), 7).GetMask(X[0])
    session.close()
    seen = weakref.ref(graph)
    del graph, session, y, x
    gc.collect()
    assert seen() is None


def test_the_user_s_gradients_stay_vanilla():
    graph, session, y, x = perceptron()
    for method in (GuidedBackprop, Deconvnet):
        method(GraphAdapter(graph, session, y, x), 0).GetMask(X[0])
    with graph.as_default():
        (gradient,) = tf.gradients(y[:, 0], x)
    assert_close(session.run(gradient, {x: X[:1]})[0], by_hand(X[0], 0))


@pytest.mark.parametrize("resource", [True, False])
def test_weights_may_change(resource):
    graph, session, y, x = perceptron(resource=resource)
    mask = GuidedBackprop(GraphAdapter(graph, session, y, x), 0)
    before = mask.GetMask(X[0])
    with graph.as_default():
        last = next(one for one in v1.global_variables() if one.name == "c:0")
        session.run(last.assign(2 * W3))
    assert_close(mask.GetMask(X[0]), 2 * np.asarray(before))


def with_another_input():
    """score = (relu(x W1) . factor) * scale, where the factor is (1, 8) and the scale a number: graph, session, and tensors."""
    graph = tf.Graph()
    with graph.as_default():
        x, factor = v1.placeholder(tf.float32, (None, 6), name="x"), v1.placeholder(tf.float32, (None, 8), name="factor")
        scale = v1.placeholder_with_default(1.0, (), name="scale")
        y = tf.reduce_sum(tf.nn.relu(x @ W1) * factor, axis=1, keepdims=True) * scale
    return graph, v1.Session(graph=graph), y, x, factor, scale


def test_other_inputs_go_in_as_they_are():
    graph, session, y, x, factor, scale = with_another_input()
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(3, 1, 8)).astype("float32")

    def gradient(x, factor, scale=1.0):
        return scale * W1 @ ((x @ W1 > 0) * factor[0])

    mask = pair.Vanilla(graph, session, y, x, target=0)
    for feed in ({factor: factors[0], scale: 2.0}, {"factor": factors[0].tolist(), "scale:0": np.float32(2)}):
        kept = copy.copy(feed)
        assert_close(mask.GetMask(X[0], feed), gradient(X[0], factors[0], 2.0))
        mask.GetSmoothedMask(X[0], feed, nsamples=3)
        assert list(feed) == list(kept)
        assert all(feed[name] is kept[name] for name in kept)
    # one for each of several inputs, and one for each point of a path
    masks = mask.GetMasks(X[:3], feed_dict={factor: factors})
    assert_close(masks, np.stack([gradient(*both) for both in zip(X[:3], factors, strict=True)]))
    steps = pair.IntegratedGradients(graph, session, y, x, target=0).GetMask(X[0], {factor: factors[0]}, x_steps=4)
    assert_close(steps, X[0] * sum(gradient(part * X[0], factors[0]) for part in np.linspace(0, 1, 4)) / 4)


def test_sparse_inputs_go_in_as_they_are():
    graph = tf.Graph()
    with graph.as_default():
        x, sparse = v1.placeholder(tf.float32, (None, 3), name="x"), v1.sparse_placeholder(tf.float32, (3, 1), name="sparse")
        y = tf.transpose(tf.sparse.sparse_dense_matmul(sparse, tf.transpose(x), adjoint_a=True))
    value = v1.SparseTensorValue([[0, 0], [2, 0]], [2.0, 5.0], (3, 1))
    with v1.Session(graph=graph) as session:
        mask = pair.Vanilla(graph, session, y, x, target=0).GetMask([1.0, 2.0, 3.0], {sparse: value})
    np.testing.assert_array_equal(mask, [2, 0, 5])


@pytest.mark.parametrize("batch", [1, 3])
def test_a_graph_that_takes_so_many_at_a_time(batch):
    graph, session, y, x = perceptron(batch=batch)
    adapter, free = GraphAdapter(graph, session, y, x), GraphAdapter(*perceptron())
    assert_close(
        Vanilla(adapter).GetMasks([*X, X[0]], y=[0, 1, 2, 0, 1]), Vanilla(free).GetMasks([*X, X[0]], y=[0, 1, 2, 0, 1])
    )
    assert_close(Vanilla(adapter).GetMasks([X[1]] * 3, y=range(3)), np.stack([by_hand(X[1], c) for c in range(3)]))
    assert_close(saliency.Occlusion(adapter, 1).GetMask(X[0], size=2), saliency.Occlusion(free, 1).GetMask(X[0], size=2))


@pytest.mark.parametrize(
    "y", [lambda y: y[0, 1], lambda y: tf.reshape(y[0, 1], (1, 1)), lambda y: y[:, 1], lambda y: y[:, 1:2]]
)
def test_one_number_for_each_input(y):
    mask = pair.Vanilla(*perceptron(head=y))
    assert_close(mask.GetMasks(X), np.stack([by_hand(one, 1) for one in X]))
    assert_close(mask.GetMask(X[2]), by_hand(X[2], 1))


def test_an_output_of_the_first_input_alone():
    """Its first axis is open, and has one row however many inputs there are."""
    mask = pair.IntegratedGradients(*perceptron(head=lambda y: y[:1, 1]))
    with pytest.raises(ModelError, match="1 row.s. for 25 input.s.*batch_size=1"):
        mask.GetMask(X[0])
    alone = pair.IntegratedGradients(*perceptron(head=lambda y: y[:1, 1]), batch_size=1)
    assert_close(alone.GetMask(X[0]), pair.IntegratedGradients(*perceptron(), target=1).GetMask(X[0]))


def test_float64_stays_so():
    with tf.Graph().as_default() as graph, v1.Session() as session:
        x = v1.placeholder(tf.float64, (None, 2))
        mask = Vanilla(GraphAdapter(graph, session, x**3, x), 1).GetMask([1.0, 1e-3])
    assert mask.dtype == np.float64
    np.testing.assert_allclose(mask, [0, 3e-6], rtol=1e-12)


def test_half_precision_is_counted_in_float32():
    with tf.Graph().as_default() as graph, v1.Session() as session:
        x = v1.placeholder(tf.float16, (None, 2))
        mask = Vanilla(GraphAdapter(graph, session, x * 3, x), 1).GetMask([1, 2])
    assert mask.dtype == np.float32
    np.testing.assert_array_equal(mask, [0, 3])


def test_x_may_be_any_tensor_that_can_be_fed():
    graph, session, y, _ = perceptron()
    hidden = X[0] @ W1
    first = next(op for op in graph.get_operations() if op.type == "MatMul")
    for rule, method in RULES.items():
        gradient = np.where(np.maximum(hidden, 0) @ W2 > 0, 1, rule == "rectified") * W3[:, 1]
        gradient = W2 @ (np.maximum(gradient, 0) if rule else gradient)
        gradient = np.where(hidden > 0, 1, rule == "rectified") * (np.maximum(gradient, 0) if rule else gradient)
        assert_close(method(GraphAdapter(graph, session, y, first), 1).GetMask(hidden), gradient)


def test_the_last_layer_with_spatial_axes(keras_model, images):
    """Also where the graph does not know the axes' lengths; layers behind the last map, and those of gradients, do not count."""
    graph = tf.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.float32, (None, None, None, 3), name="x")
        early = tf.nn.relu(tf.nn.conv2d(x, np.ones((3, 3, 3, 2), "float32") / 9, 2, "SAME"), name="early")
        late = tf.multiply(early, [1.0, 2.0], name="late")
        y = tf.reduce_sum(tf.reduce_mean(late, (1, 2), keepdims=True), (1, 2))
        x_alone = tf.identity(y + 0 * tf.reduce_sum(late))
    with v1.Session(graph=graph) as session:
        adapter = GraphAdapter(graph, session, x_alone, x)
        for _ in range(2):
            found = saliency.GradCAM(adapter, 1, should_resize=False).GetMask(abs(images[0]))
            features = session.run(late, {x: abs(images[:1])})[0]
            assert_close(found, features[..., 1] / 16)
        named = saliency.GradCAM(adapter, 1, layer="early", should_resize=False).GetMask(abs(images[0]))
        assert_close(named, features[..., 1] / 16)  # twice the gradient, half the features


def test_layers_by_every_spelling(pictures, images):
    graph, session = pictures
    tensor = graph.get_tensor_by_name("last:0")
    GuidedBackprop(GraphAdapter(graph, session, "logits", "x"), 0).GetMask(images[0])  # adds gradients/last_grad and the like
    masks = [
        pair.GradCAM(graph, session, "logits", "x", layer, target=0).GetMask(images[0])
        for layer in (tensor, tensor.op, "last", "last:0")
    ]
    assert masks[0].max() > 0.5
    assert all((one == masks[0]).all() for one in masks)
    first = pair.GradCAM(graph, session, "logits", "x", "first", target=0).GetMask(images[0])
    assert abs(first - masks[0]).max() > 0.01


def broken(**changes):
    graph, session, y, x = perceptron()
    given = {"graph": graph, "session": session, "y": y, "x": x, "target": 0, "value": X[0], "feed": None, **changes}
    for name, value in given.items():
        given[name] = value(graph, session, y, x) if callable(value) and not isinstance(value, tf.Tensor) else value
    mask = pair.Vanilla(*(given[name] for name in ("graph", "session", "y", "x", "target")))
    return mask.GetMask(given["value"], given["feed"])


def unfed(graph, session, y, x):
    with graph.as_default():
        return y * v1.placeholder(tf.float32, (), name="forgotten")


def closed(graph, session, y, x):
    session.close()
    return session


def unset(graph, session, y, x):
    return v1.Session(graph=graph)


def in_graph(make):
    def made(graph, session, y, x):
        with graph.as_default():
            return make(y, x)

    return made


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"session": closed}, ModelError, "`session` can't run.*closed"),
        ({"session": unset}, ModelError, "variables initialized"),
        ({"session": lambda *_: v1.Session(graph=tf.Graph())}, InputError, "`session`.*runs another one"),
        ({"session": lambda *_: None}, InputError, "`session`"),
        ({"graph": lambda *_: None}, InputError, "`graph`.*tf.Graph"),
        ({"x": lambda *_: perceptron()[3]}, InputError, "`x` .*'x:0'.*must be a tensor of `graph`"),
        ({"x": "y"}, InputError, r"`x` \(='y'\) must be one of the graph's tensors; nearest"),
        ({"y": "matmul_9:0"}, InputError, r"`y`.*nearest: matmul"),
        ({"x": lambda *_: tf.constant(X)}, InputError, "`x`.*eager"),
        ({"x": lambda *_: X}, InputError, r"`x` \(ndarray\) must be a tensor"),
        ({"x": in_graph(lambda y, x: tf.cast(x, tf.int32))}, InputError, "int32.*floats"),
        ({"y": in_graph(lambda y, x: y[0])}, InputError, r"shape \(3,\).*must be one number, or have a row for each"),
        ({"y": in_graph(lambda y, x: v1.placeholder(tf.float32))}, ModelError, "unknown number of axes"),
        ({"y": in_graph(lambda y, x: tf.zeros_like(x) + 1.0)}, GradientError, "does not depend on `x_value`"),
        ({"y": in_graph(lambda y, x: tf.stop_gradient(y))}, GradientError, "stop_gradient"),
        ({"y": in_graph(lambda y, x: tf.cast(tf.argmax(y, 1), tf.float32))}, GradientError, "does not depend on `x_value`"),
        ({"y": in_graph(lambda y, x: tf.reshape(y, (-1, 1)))}, ModelError, r"3 row.s. for 1 input"),
        ({"y": in_graph(lambda y, x: y / 0.0)}, GradientError, "finite"),
        ({"value": X[0][:5]}, InputError, r"`x_value` \(shape \(5,\)\) must have the shape \(6,\) of `x` \('x:0'\)"),
        ({"value": X[:1]}, InputError, r"shape \(1, 6\).*without its batch axis"),
        ({"feed": {"z": 1}}, InputError, r"`feed_dict\['z'\]` \(='z'\) must be one of the graph's tensors"),
        ({"feed": {7: 1}}, InputError, r"`feed_dict` \(int\) must be a tensor"),
        ({"feed": {"x": X[:1]}}, InputError, "'x:0', which is `x`"),
        ({"feed": [1]}, InputError, "`feed_dict` .list. must be a mapping"),
        ({"y": unfed}, InputError, "forgotten"),
        ({"target": 3}, TargetError, "class or channel 3 is not in the model's output, which has 3"),
        ({"target": lambda *_: [0, 5]}, TargetError, "5 is not"),
        ({"target": ("nothing", 1)}, TargetError, "`layer` .='nothing'"),
        ({"target": lambda *_: lambda outputs: outputs[:, 0]}, TargetError, "callable"),
    ],
)
def test_errors(changes, error, match):
    with pytest.raises(error, match=match):
        broken(**changes)


def test_layers_that_make_no_map(pictures, images):
    adapter = GraphAdapter(*pictures, "probabilities", "x")
    with pytest.raises(TargetError, match=r"layer 'logits' outputs the shape \(1, 4\); a map needs \(N, \*space, channels\)"):
        saliency.GradCAM(adapter, 0, layer="logits").GetMask(images[0])
    with pytest.raises(TargetError, match="must be a tensor of `graph`"):
        saliency.GradCAM(adapter, 0, layer=perceptron()[2]).GetMask(images[0])
    with pytest.raises(TargetError, match="`conv_layer`.*must be named"):
        saliency.GradCAM(GraphAdapter(*perceptron()), 0).GetMask(X[0])


def test_no_memory_left_is_told():
    graph, session, y, x = perceptron()

    class Full:
        def __init__(self, most):
            self.graph, self.most, self.sizes = graph, most, []

        def run(self, fetches, feed_dict):
            self.sizes.append(len(feed_dict[x]))
            if len(feed_dict[x]) > self.most:
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
            return session.run(fetches, feed_dict)

    two = Full(2)
    masks = Vanilla(GraphAdapter(graph, two, y, x)).GetMasks(X, y=1)
    assert_close(masks, np.stack([by_hand(one, 1) for one in X]))
    assert two.sizes == [4, 2, 2]
    with pytest.raises(MemoryShortage, match="OOM"):
        Vanilla(GraphAdapter(graph, Full(0), y, x), 1).GetMask(X[0])


SCRIPT = """
import tensorflow as tf
tf.compat.v1.{switch}()
import numpy as np
import saliency.tf
from tests.tf.relu_networks import X, by_hand
from tests.tf.session.session_networks import perceptron, v1

graph, session, y, x = perceptron({relu})
for name, rule in (("Vanilla", None), ("GuidedBackprop", "guided")):
    mask = getattr(saliency.tf, name)(session.graph, session, y, x, target=1)
    np.testing.assert_allclose(mask.GetMask(X[0]), by_hand(X[0], 1, rule), rtol=1e-4, atol=1e-5)
    assert mask.GetSmoothedMask(X[0]).any()
graph = tf.Graph()
with graph.as_default(), v1.Session() as session:
    x = v1.placeholder(tf.float32, (None, 6, 6, 1))
    features = tf.nn.relu(tf.nn.conv2d(x, np.ones((3, 3, 1, 2), "float32"), [1, 2, 2, 1], "SAME"))
    y = tf.reduce_sum(features * [1.0, 3.0], (1, 2))
    dead = tf.nn.relu(features - 1e9)  # a map as well, whose gradient is zero
    image = np.arange(36.0).reshape(6, 6, 1)
    found = saliency.tf.GradCAM(graph, session, y + 0 * tf.reduce_sum(dead, (1, 2)), x, target=1).GetMask(image, should_resize=False)
    np.testing.assert_allclose(found[..., 0], 3 * session.run(features, {{x: image[None]}})[0, ..., 1], rtol=1e-5)
print("all right")
"""


def test_in_the_first_version_s_ways():
    def run(switch):
        return subprocess.run([sys.executable, "-c", SCRIPT.format(switch=switch, relu="")], capture_output=True, text=True)

    with ThreadPoolExecutor(2) as pool:
        for done in pool.map(run, ["disable_eager_execution", "disable_v2_behavior"]):
            assert done.stdout.endswith("all right\n"), done.stderr[-2000:]

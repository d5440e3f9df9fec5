"""Networks that keras-vis does not support: nested, subclassed, several inputs, any number of axes, sessions."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("keras")

import keras
import tensorflow as tf

import saliency
from saliency.compat.keras_vis import find_layer_idx, visualize_cam, visualize_saliency
from saliency.core.errors import InputError
from tests.compat.vis.keras_networks import RAW, WEIGHTS, X, close, nested, network

L = keras.layers
RNG = np.random.default_rng(5)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.body, self.head = nested(), L.Activation("softmax")

    def call(self, x):
        return self.head(self.body(x))


@pytest.mark.parametrize("make", [nested, Subclassed])
def test_nested_and_subclassed(make):
    model = make()
    model(X[None])
    x = X[None]
    close(visualize_saliency(model, None, 1, x), "sal default cls1")  # the logits, where there is a softmax
    layer = find_layer_idx(model, "c2")
    assert layer == {"nested": "body/c2"}.get(make.__name__, layer) and layer.endswith("body/c2")
    close(visualize_saliency(model, layer, 3, x, **RAW), "conv filter c2[3]")
    close(visualize_saliency(model, None, 1, x, backprop_modifier="guided", **RAW), "sal bm=guided")
    close(visualize_cam(model, None, 1, x, layer, grad_modifier="relu"), "cam gm=relu")
    found = visualize_cam(model, None, 1, x, grad_modifier="relu")
    assert found.shape == (12, 12) and found.any()
    wrt = visualize_saliency(model, None, 1, x, layer, grad_modifier=None, normalize=False)
    np.testing.assert_allclose(wrt, visualize_saliency(network(), -1, 1, X, "c2", None, None, normalize=False), atol=1e-6)


def two_inputs(mapping=False):
    a, b = keras.Input((4,), name="a"), keras.Input((3, 2), name="b")
    given = {"b": b, "a": a} if mapping else [a, b]
    return keras.Model(given, L.Dense(2, use_bias=False, name="d")(L.Concatenate()([a, L.Flatten()(b)])))


@pytest.mark.parametrize("mapping", [False, True])
def test_several_inputs(mapping):
    model = two_inputs(mapping)
    (w,) = model.get_weights()
    a, b = RNG.normal(size=4).astype(np.float32), RNG.normal(size=(3, 2)).astype(np.float32)
    options = {"grad_modifier": None, "keepdims": True, "normalize": False}
    wanted = {"a": w[:4, 1], "b": w[4:, 1].reshape(3, 2)}
    seeds = [{"a": a, "b": b}, {"b": b[None], "a": a[None]}] if mapping else [[a, b], (a[None], b[None]), {"a": a, "b": b}]
    for seed in seeds:
        first = next(iter(seed)) if mapping else "a"
        np.testing.assert_allclose(visualize_saliency(model, -1, 1, seed, **options), wanted[first])
        for tensor in model.inputs:
            got = visualize_saliency(model, -1, 1, seed, tensor, **options)
            np.testing.assert_allclose(got, wanted[tensor.name])
    with pytest.raises(InputError, match=r"`seed_input` must be a list or mapping of the model's 2 inputs"):
        visualize_saliency(model, -1, 1, a)
    with pytest.raises(InputError, match=r"2 input\(s\) 'a', and 1 of 'b'|1 input\(s\) 'b', and 2 of 'a'"):
        visualize_saliency(model, -1, 1, {"a": np.stack([a, a]), "b": b[None]})


def line(axes):
    convolution = {1: L.Conv1D, 2: L.Conv2D, 3: L.Conv3D}.get(axes)
    shape = (7,) if axes == 0 else (*[6, 5, 4][:axes], 2)
    layers = [L.Dense(8, activation="relu")] if axes == 0 else [convolution(3, 2, activation="relu", name="c"), L.Flatten()]
    return keras.Sequential([keras.Input(shape), *layers, L.Dense(3)]), RNG.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("axes", [0, 1, 2, 3])
def test_inputs_of_any_number_of_axes(axes):
    keras.utils.set_random_seed(1)
    model, x = line(axes)
    gradient = np.asarray(saliency.Vanilla(model, 1).GetMask(x))
    raw = visualize_saliency(model, -1, 1, x, grad_modifier=None, normalize=False)
    np.testing.assert_allclose(raw, gradient.max(-1) if axes else gradient)
    kept = visualize_saliency(model, -1, 1, x, keepdims=True)
    assert kept.shape == x.shape and kept.min() == 0 and 0.99 < kept.max() <= 1
    if axes:
        assert visualize_cam(model, -1, 1, x, grad_modifier="absolute").shape == x.shape[:-1]
    else:  # keras-vis takes the maximum over the features, and nothing is left
        assert visualize_saliency(model, -1, 1, x, exact=True).shape == ()


def test_a_softmax_is_replaced_by_its_logits_unless_exact(model):
    end = keras.Sequential([keras.Input(X.shape), *network().layers, L.Activation("softmax")])
    end.set_weights(WEIGHTS)
    close(visualize_saliency(end, -1, 1, X), "sal default cls1")
    x = tf.Variable(X[None])
    with tf.GradientTape() as tape:
        y = end(x)[:, 1]
    raw = {"grad_modifier": None, "keepdims": True, "normalize": False}
    got = visualize_saliency(end, -1, 1, X, **raw, exact=True)
    np.testing.assert_allclose(got, tape.gradient(y, x)[0], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(visualize_saliency(end, 7, 1, X, **raw), saliency.Vanilla(end, 1).GetMask(X))


def test_a_graph_in_a_session():
    from saliency.tf import GraphAdapter

    v1, graph = tf.compat.v1, tf.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.float32, (None, *X.shape), name="x")
        c1 = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, WEIGHTS[0], 1, "VALID") + WEIGHTS[1]), 2, 2, "VALID")
        c2 = tf.add(tf.nn.conv2d(c1, WEIGHTS[2], 1, "VALID"), WEIGHTS[3], name="c2")
        hidden = tf.nn.relu(tf.reshape(tf.nn.relu(c2), (-1, 72)) @ WEIGHTS[4] + WEIGHTS[5])
        adapter = GraphAdapter(graph, v1.Session(graph=graph), hidden @ WEIGHTS[6] + WEIGHTS[7], x)
    close(visualize_saliency(adapter, -1, 1, X[None]), "sal default cls1")
    close(visualize_saliency(adapter, -1, 1, X[None], backprop_modifier="guided", **RAW), "sal bm=guided")
    close(visualize_saliency(adapter, "c2", 3, X[None], **RAW), "conv filter c2[3]")
    close(visualize_cam(adapter, -1, 1, X[None], "c2", grad_modifier="relu"), "cam gm=relu")

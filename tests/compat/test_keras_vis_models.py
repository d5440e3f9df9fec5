"""Networks that keras-vis does not support: Torch, nested, subclassed, several inputs, any number of axes."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("keras")

import keras
import tensorflow as tf

import saliency
from saliency.compat.keras_vis import find_layer_idx, visualize_cam, visualize_saliency
from saliency.core.errors import InputError, TargetError
from tests.compat.test_keras_vis import RAW, SALIENCY, WEIGHTS, X, close, network

L = keras.layers
RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def model():
    return network()


def channels_first():
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class Rows(nn.Module):
        def forward(self, x):
            return x.movedim(1, -1).flatten(1)  # in the order of Keras's Flatten

    parts = {"c1": nn.Conv2d(3, 6, 3), "r1": nn.ReLU(), "p1": nn.MaxPool2d(2), "c2": nn.Conv2d(6, 8, 3), "relu": nn.ReLU(True)}
    parts |= {"flat": Rows(), "hidden": nn.Linear(72, 16), "r3": nn.ReLU(), "out": nn.Linear(16, 5)}
    model = nn.Sequential()
    for name, part in parts.items():
        model.add_module(name, part)
    for name, kernel, bias in zip(("c1", "c2", "hidden", "out"), WEIGHTS[::2], WEIGHTS[1::2], strict=True):
        order = (3, 2, 0, 1) if kernel.ndim == 4 else (1, 0)
        parts[name].weight.data, parts[name].bias.data = torch.tensor(kernel.transpose(order)), torch.tensor(bias)
    return model


def channels_moved_first(array):
    return np.moveaxis(array, -1, 0)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("case", [case for case in SALIENCY if "custom" not in case])
def test_torch_gives_keras_viss_arrays(case):
    options = {"layer_idx": "out", "filter_indices": 1, **SALIENCY[case]}
    options["layer_idx"] = {"out": "out", 2: "c2"}[options["layer_idx"]]
    got = visualize_saliency(channels_first(), seed_input=channels_moved_first(X)[None], **options)
    close(np.moveaxis(got, 0, -1) if got.ndim == 3 else got, case)


@pytest.mark.needs("torch")
@pytest.mark.parametrize(
    "options", [{"grad_modifier": "relu"}, {"backprop_modifier": "guided"}, {"grad_modifier": "absolute", "normalize": False}]
)
def test_torch_and_keras_give_the_same_map(model, options):
    on_torch = visualize_cam(channels_first(), "out", 2, channels_moved_first(X)[None], "c2", **options)
    np.testing.assert_allclose(on_torch, visualize_cam(model, "out", 2, X, "c2", **options), rtol=1e-4, atol=1e-6)
    assert on_torch.any()


@pytest.mark.needs("torch")
def test_torch_layers_have_names_and_minus_1_is_the_output():
    module = channels_first()
    x = channels_moved_first(X)[None]
    for layer in (-1, None, "out", module.out, find_layer_idx(module, "out")):
        close(visualize_saliency(module, layer, 1, x), "sal default cls1")
    got = visualize_saliency(module, -1, 1, x, module.r3, grad_modifier=None, normalize=False)
    np.testing.assert_allclose(got, module.out.weight[1].detach())
    assert visualize_cam(module, -1, 1, x, grad_modifier="relu").shape == (12, 12)  # finds the layer
    with pytest.raises(TargetError, match=r"`layer_idx` \(=3\) must be a layer's name, or -1"):
        visualize_saliency(module, 3, 1, x)
    with pytest.raises(TargetError, match="nearest"):
        visualize_saliency(module, "oud", 1, x)


@pytest.mark.needs("torch")
def test_a_torch_module_of_two_inputs_takes_a_mapping():
    import torch

    class Two(torch.nn.Module):
        def forward(self, x, other):
            return (x * other).cumsum(1)

    one, other = RNG.normal(size=(2, 2, 4)).astype(np.float32)
    got = visualize_saliency(Two(), -1, 1, {"x": one, "other": other}, grad_modifier=None, normalize=False)
    np.testing.assert_allclose(got, other * [1, 1, 0, 0])


def test_gradients_with_respect_to_any_layers_output(model):
    score = WEIGHTS[6][:, 1]
    hidden = keras.Model(model.inputs[0], model.get_layer("hidden").output)
    for tensor in ("hidden", model.get_layer("hidden"), model.get_layer("hidden").output, hidden.outputs[0]):
        got = visualize_saliency(model, -1, 1, X, tensor, grad_modifier=None, normalize=False)
        np.testing.assert_allclose(got, score, rtol=1e-6)
    of_c2 = visualize_saliency(model, -1, 1, X, model.layers[2].output, grad_modifier=None, keepdims=True, normalize=False)
    watched = tf.Variable(keras.Model(model.inputs[0], model.layers[2].output)(X[None]))
    with tf.GradientTape() as tape:
        h = watched
        for layer in model.layers[3:]:
            h = layer(h)
        y = h[:, 1]
    np.testing.assert_allclose(of_c2, tape.gradient(y, watched)[0], rtol=1e-5, atol=1e-7)
    strongest = visualize_saliency(model, -1, 1, X, "c2", grad_modifier=None, normalize=False)
    np.testing.assert_array_equal(strongest, of_c2.max(-1))
    for tensor in (model.inputs[0], model.inputs, None):
        close(visualize_saliency(model, -1, 1, X, tensor), "sal default cls1")
    model(keras.Input(X.shape))
    close(visualize_saliency(model, -1, 1, X, model.input), "sal default cls1")


@pytest.mark.parametrize("wrong", ["no", L.Dense(3), 3.5, np.ones(3), L.Dense(3)(keras.Input((3,)))])
def test_tensors_outside_the_network_raise(model, wrong):
    with pytest.raises(TargetError, match=r"`(at|wrt_tensor)` \("):
        visualize_saliency(model, -1, 1, X, wrong)


def nested():
    body = keras.Sequential(
        [keras.Input(X.shape), *[network().get_layer(name) for name in ("c1", "p1", "c2", "relu")]], name="body"
    )
    plain = network()
    x = keras.Input(X.shape)
    h = plain.get_layer("flat")(body(x))
    model = keras.Model(x, plain.get_layer("out")(plain.get_layer("hidden")(h)))
    model.set_weights(WEIGHTS)
    return model


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

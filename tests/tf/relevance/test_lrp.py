"""LRP on TensorFlow: the same relevance as on Torch, with biases and batch norms in any form, and errors that name operations."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency import nets
from saliency.demo.scenes import load_scenes

L = keras.layers
X = np.random.default_rng(0).normal(size=(2, 8, 8, 4)).astype("float32")
COMPOSITES = {
    "epsilon-plus-flat": {},
    "epsilon-gamma-box": {"low": -3, "high": np.full((3, 1, 1), 3.0)},
    "alpha2-beta1-flat": {},
}


@pytest.fixture(scope="module")
def demo():
    return nets.load("DemoNet", framework="tf")


@pytest.mark.needs("torch")
@pytest.mark.parametrize("rule", COMPOSITES)
def test_torch_and_keras_give_the_same_relevance(demo, rule):
    twin, options = nets.load("DemoNet", framework="torch"), COMPOSITES[rule]
    x = twin.prepare(load_scenes()[3].picture)
    expected = saliency.LRP(twin.model, 8, rule=rule, **options).GetMask(x)
    options = {name: np.transpose(value) if np.ndim(value) else value for name, value in options.items()}
    mask = saliency.LRP(demo.model, 8, rule=rule, **options).GetMask(np.moveaxis(x, 0, -1))
    assert np.abs(np.moveaxis(mask, -1, 0) - expected).max() < 1e-4 * np.abs(expected).max()
    np.testing.assert_allclose(mask.details["conservation"], expected.details["conservation"], rtol=1e-4, atol=1e-5)


def random_weights(model):
    rng = np.random.default_rng(1)
    for weight in model.weights:
        weight.assign(rng.uniform(0.5, 1.5, weight.shape) if "variance" in weight.path else rng.normal(size=weight.shape))
    return model


def relevance(model, rule="epsilon-plus", x=X, **options):
    def total(output):
        return tf.reduce_sum(tf.reshape(output, (tf.shape(output)[0], -1)), 1)

    return np.asarray(saliency.LRP(model, total, rule=rule, **options).GetMasks(x))


LAYERS = {
    "dilated": (lambda: L.Conv2D(6, 3, dilation_rate=2), lambda scale: scale),
    "depthwise": (lambda: L.DepthwiseConv2D(3, depth_multiplier=2), lambda scale: scale.reshape(4, 2)),
    "transposed": (lambda: L.Conv2DTranspose(5, 3, 2), lambda scale: scale[:, None]),
    "dense": (lambda: L.Dense(6), lambda scale: scale),
}
RULE = {"convolution": "plus", "linear": "plus"}


@pytest.mark.parametrize("name", LAYERS)
def test_a_batch_norm_behind_a_layer_is_a_part_of_it(name):
    """A norm that is written out, and one that is fused, have the relevance of weights into which it was multiplied by hand."""
    layer, of_weights = LAYERS[name]
    written = random_weights(keras.Sequential([keras.Input(X.shape[1:]), layer(), L.BatchNormalization(), L.ReLU()]))
    one, norm, _ = written.layers
    scale = (norm.gamma / np.sqrt(norm.moving_variance + norm.epsilon)).numpy()
    twin = keras.Sequential([keras.Input(X.shape[1:]), layer(), L.ReLU()])
    kernel, bias = one.get_weights()
    twin.set_weights([kernel * of_weights(scale), (bias - norm.moving_mean) * scale + norm.beta])

    @tf.function
    def fused(x):
        statistics = norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance
        return tf.nn.relu(tf.compat.v1.nn.fused_batch_norm(one(x), *statistics, norm.epsilon, is_training=False)[0])

    expected = relevance(twin, RULE)
    for model in (written, fused):
        np.testing.assert_allclose(relevance(model, RULE), expected, atol=1e-4 * np.abs(expected).max())


def test_axes_of_other_lengths_are_conserved():
    networks = [(L.Conv1D(3, 2, use_bias=False), (6, 4)), (L.Conv3D(3, 2, use_bias=False), (4, 3, 3, 2)),
                (L.EinsumDense("abc,cde->abde", (None, 2, 3)), (6, 4))]  # fmt: skip
    for layer, shape in networks:
        x = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
        model = keras.Sequential([keras.Input(shape), layer, L.ReLU()])
        scores = np.asarray(model(x)).reshape(2, -1).sum(1)
        np.testing.assert_allclose(relevance(model, x=x).reshape(2, -1).sum(1), scores, rtol=1e-3)


ACTIVATIONS = [
    "gelu",
    "silu",
    "elu",
    "selu",
    "relu6",
    "tanh",
    "sigmoid",
    "hard_silu",
    "softplus",
    "mish",
    "leaky_relu",
    "celu",
]


@pytest.mark.parametrize("name", [*ACTIVATIONS, "approximate gelu"])
def test_activations_pass_relevance_unchanged(name):
    approximate = name.startswith("approximate")
    function = (lambda x: tf.nn.gelu(x, True)) if approximate else keras.activations.get(name)
    found = relevance(tf.function(lambda x: function(x * 3)), "attn-lrp", x=X[0])
    np.testing.assert_allclose(found, function(X[0] * 3), atol=2e-6)


def test_norms_hold_their_deviation_constant():
    def of_rows(x):
        mean = tf.reduce_mean(x, -1, keepdims=True)
        return (x - mean) / tf.stop_gradient(tf.sqrt(tf.reduce_mean((x - mean) ** 2, -1, keepdims=True) + 1e-3))

    x, weights = tf.constant(X[0]), tf.range(4.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(of_rows(x) * weights)
    expected = x * tape.gradient(total, x)
    layer = L.LayerNormalization()
    layer.build(x.shape)
    np.testing.assert_allclose(relevance(tf.function(lambda x: layer(x) * weights), "attn-lrp", x=X[0]), expected, atol=1e-5)


def test_gates_get_nothing_and_factors_share():
    gate = relevance(tf.function(lambda x: x * tf.sigmoid(tf.reduce_mean(x, 1, keepdims=True))), "attn-lrp", x=X[0])
    np.testing.assert_allclose(gate, X[0] * tf.sigmoid(tf.reduce_mean(X[0], 1, keepdims=True)), atol=1e-6)
    product = relevance(tf.function(lambda x: x[:, :4] * x[:, 4:]), "attn-lrp", x=X[0])
    half = X[0, :, :4] * X[0, :, 4:] / 2
    np.testing.assert_allclose(product, np.concatenate([half, half], 1), atol=1e-6)


def test_several_targets_a_layer_and_a_rule_of_the_user():
    class Half(saliency.LRPRule):
        def multipliers(self, operation, multipliers):
            return 0.5 * operation.transpose(multipliers)

    model = random_weights(keras.Sequential([keras.Input((4,)), L.Dense(5, activation="relu", name="hidden"), L.Dense(3)]))
    x = X[0, 0]
    both = saliency.LRP(model).GetMasks(x[:2], y=[0, 2])
    np.testing.assert_allclose(both[1], saliency.LRP(model, 2).GetMask(x[1]), rtol=1e-5)
    hidden = saliency.LRP(model, 2, at=saliency.OutputOf("hidden")).GetMasks(x)
    np.testing.assert_allclose(hidden, model.layers[0](x) * model.layers[1].kernel[:, 2], rtol=1e-4, atol=1e-6)
    twice = saliency.LRP(model, 2, at=saliency.OutputOf("hidden"), rule=Half()).GetMasks(x)
    np.testing.assert_allclose(twice, hidden / 2, rtol=1e-4, atol=1e-6)


def test_the_graph_is_built_once_and_the_model_is_unchanged():
    model = random_weights(keras.Sequential([keras.Input((4,)), L.Dense(3, name="only")]))
    calls, before = [], model.get_weights()
    function = tf.function(lambda x: (calls.append(0), model(x))[1])
    for low in (-3, -4):
        saliency.LRP(function, 1, rule={"first": "box"}, low=low, high=4).GetMask(X[0, 0, 0])
        saliency.LRP(function, 1, rule="epsilon-plus").GetMask(X[0, 0, 0])
        if low == -3:
            n = len(calls)
    assert len(calls) == n
    assert all(np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))


def test_an_operation_without_a_rule_is_named():
    function = tf.function(lambda x: tf.exp(x))
    with pytest.raises(saliency.ModelError, match=r"no rule for the operation Exp \(.*allow_gradient"):
        saliency.LRP(function, 0).GetMask(X[0, 0, 0])
    mask = saliency.LRP(function, 0, allow_gradient=True).GetMask(X[0, 0, 0])
    np.testing.assert_allclose(mask[0], X[0, 0, 0, 0] * np.exp(X[0, 0, 0, 0]), rtol=1e-6)
    loop = tf.function(
        lambda x: tf.while_loop(lambda i, _: i < tf.cast(x[0, 0], tf.int32) + 3, lambda i, y: (i + 1, 2 * y), [0, x])[1]
    )
    with pytest.raises(saliency.ModelError, match="no rule for the operation .*While"):
        saliency.LRP(loop, 0).GetMask(X[0, 0, 0])


def test_first_layer_rules_need_a_first_layer():
    dense = tf.constant(np.random.default_rng(0).normal(size=(4, 3)).astype("float32"))
    curved, scaled, plain = (tf.function(lambda x, f=f: f(x) @ dense) for f in (tf.tanh, lambda x: (x - 0.5) / 2, lambda x: x))
    x = X[0, 0, 0]
    with pytest.raises(saliency.ModelError, match="the input enters Tanh"):
        saliency.LRP(curved, 0, rule="epsilon-plus-flat").GetMask(x)
    with pytest.raises(saliency.ModelError, match="bounds of the model's input"):
        saliency.LRP(scaled, 0, rule="epsilon-gamma-box", low=-4, high=4).GetMask(x)
    flat = saliency.LRP(scaled, 0, rule="epsilon-plus-flat").GetMask(x)  # a scale does not change relevance
    np.testing.assert_allclose(flat, saliency.LRP(plain, 0, rule="epsilon-plus-flat").GetMask((x - 0.5) / 2), atol=1e-5)

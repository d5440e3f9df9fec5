"""What once went wrong, kept from coming back."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import saliency
from saliency import GradCAM, GuidedBackprop, Occlusion, Vanilla
from saliency.core.errors import InputError, LogitWarning, ModelError, NoReLUError, TargetError
from saliency.core.request import Request
from saliency.core.target import Target
from saliency.tf import KerasAdapter
from tests.tf.eager.test_adapter import PICTURES, convolutional, taped
from tests.tf.relu_networks import X, by_hand, functional, kept, subclassed

L = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore::saliency.core.errors.ZeroGradientWarning")  # small networks may be dead


def changed(model):
    layers = {layer.name: layer for layer in model.layers}
    layers["norm"].adapt(10 + 3 * X)
    yield
    layers["leaky"].negative_slope = 0.9
    yield
    layers["scale"].scale = 3.0
    yield
    layers["end"].enable_lora(2)
    layers["end"].lora_kernel_b.assign(tf.ones_like(layers["end"].lora_kernel_b))
    yield
    layers["leaky"].call = lambda x: x * x
    yield


def test_a_changed_layer_is_seen_by_the_next_mask():
    parts = [L.Normalization(name="norm"), L.Rescaling(2.0, name="scale"), L.Dense(5), L.LeakyReLU(0.1, name="leaky")]
    model = keras.Sequential([keras.Input((6,)), *parts, L.Dense(3, name="end")])
    before = Vanilla(model, 1).GetMask(X[0])
    for _ in changed(model):
        mask = Vanilla(model, 1).GetMask(X[0])
        np.testing.assert_allclose(mask, taped(model, X[:1], 1)[0], rtol=1e-4, atol=1e-6)
        assert np.abs(mask - before).max() > 1e-3
        before = mask


def test_a_changed_module_is_seen_by_the_next_mask():
    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.w, self.k, self.inner = tf.Variable(tf.ones((6, 2))), 1.0, [2.0]

        def __call__(self, x):
            return (x @ self.w) * self.k * self.inner[0]

    model = Module()
    for change in (lambda: None, lambda: setattr(model, "w", tf.Variable(3 * tf.ones((6, 2)))), lambda: setattr(model, "k", 5.0),
                   lambda: model.inner.__setitem__(0, 7.0)):  # fmt: skip
        change()
        expected = model.w.numpy()[:, 1] * model.k * model.inner[0]
        np.testing.assert_allclose(Vanilla(model, 1).GetMask(X[0]), expected)


def test_another_object_at_the_same_address_is_another_one():
    class Times:
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, x):
            return self.factor * x

    model = functional(L.ReLU(), L.ReLU())
    for factor in range(1, 40):
        model.layers[-1].activation = None  # the last one's place may be taken by the next
        model.layers[-1].activation = Times(float(factor))
        np.testing.assert_allclose(Vanilla(model, 0).GetMask(X[0]), factor * by_hand(X[0], 0), rtol=1e-4)


def test_two_adapters_that_were_told_different_things_share_nothing_and_cost_each_other_nothing():
    traced = []

    class Two(keras.Model):
        def call(self, x):
            traced.append(1)
            return x, 2 * x

    model = Two()
    for _ in range(3):
        for output, factor in ((0, 1), (1, 2)):
            mask = Vanilla(KerasAdapter(model, output=output), 1).GetMask(X[0])
            np.testing.assert_array_equal(mask, factor * np.eye(6)[1])
    assert len(traced) <= 3  # one of them is Keras's own


@pytest.mark.parametrize("package", [keras, tf_keras])
def test_a_mask_of_steps_goes_through_a_layer_that_is_looked_at(package):
    package.utils.set_random_seed(2)
    layers = package.layers
    inner = package.Sequential([package.Input((7, 4)), layers.Masking(), layers.Dense(6)], name="inner")
    model = package.Sequential([package.Input((7, 4)), inner, layers.LSTM(5), layers.Dense(3)])
    x = np.random.default_rng(0).normal(size=(1, 7, 4)).astype("float32")
    x[0, 3:] = 0
    scores, _, _ = saliency.wrap(model).features(tf.constant(x), Request(Target.of([1]), layer="inner"))
    np.testing.assert_allclose(scores, model(x)[:, 1], rtol=1e-5)


WRONG_ROWS = {
    "twice as many": lambda z: tf.concat([z, 10 * z], 0),
    "one for all": lambda z: tf.reduce_mean(z, 0, keepdims=True),
    "another axis first": lambda z: tf.stack([z, 2 * z, 3 * z]),
}


@pytest.mark.parametrize("name", WRONG_ROWS)
def test_an_output_of_another_number_of_rows_is_told(name):
    model = tf.function(lambda x: WRONG_ROWS[name](tf.tanh(x)))
    for method in (Vanilla, Occlusion):
        with pytest.raises(ModelError, match=r"the model's output has the shape .* for 2 input\(s\)"):
            method(saliency.wrap(model), 1).GetMasks(X[:2], **({"size": 1} if method is Occlusion else {}))


HIDING = {
    "ensemble": lambda y: (tf.nn.softmax(y) + tf.nn.softmax(2 * y)) / 2,
    "stacked": lambda y: tf.reduce_mean(tf.stack([tf.nn.softmax(y), tf.nn.softmax(y)]), axis=0),
    "turned round": lambda y: tf.reverse(tf.nn.softmax(y), [1]),
    "padded": lambda y: tf.pad(tf.nn.softmax(y), [[0, 0], [0, 1]]),
    "a branch": lambda y: tf.cond(tf.reduce_sum(y) > -1e9, lambda: tf.nn.softmax(y), lambda: y),
    "a loop": lambda y: tf.while_loop(lambda i, _: i < 1, lambda i, h: (i + 1, tf.nn.softmax(h)), (0, y))[1],
    "map_fn": lambda y: tf.map_fn(tf.nn.softmax, y[:, None])[:, 0],
}


@pytest.mark.parametrize("name", HIDING)
def test_a_hidden_softmax_is_told(name):
    with pytest.warns(LogitWarning):
        Vanilla(convolutional(L.Lambda(HIDING[name], output_shape=(4,))), 1).GetMask(PICTURES[0])


@pytest.mark.parametrize(
    "gate", [lambda y: y * tf.nn.sigmoid(y), lambda y: tf.nn.softmax(y) @ tf.ones((4, 3)), lambda y: y + tf.nn.sigmoid(y)]
)
def test_a_gate_hides_nothing(gate):
    Vanilla(convolutional(L.Lambda(gate, output_shape=(4,))), 1).GetMask(PICTURES[0])


def test_ensure_shape_is_looked_through():
    model = convolutional(L.Lambda(lambda y: tf.ensure_shape(tf.nn.softmax(y), (None, 4))))
    np.testing.assert_allclose(
        Vanilla(model, 2).GetMask(PICTURES[0]), taped(convolutional(), PICTURES[:1], 2)[0], rtol=1e-4, atol=1e-7
    )


def test_operators_as_layers_of_keras_2():
    x = tf_keras.Input((8, 8, 3))
    h = tf_keras.layers.Conv2D(4, 3, name="conv")(x)
    model = tf_keras.Model(x, tf_keras.layers.GlobalAveragePooling2D()((h + 1.0)[:, 1:]))
    picture = np.random.default_rng(0).normal(size=(8, 8, 3))
    own = [vars(layer).get("call") for layer in model.layers]
    assert GradCAM(model, 1).GetMask(picture).shape == (8, 8)
    assert [vars(layer).get("call") for layer in model.layers] == own


def test_layers_of_a_keras_2_model_that_was_saved(tmp_path):
    model = convolutional(package=tf_keras)
    expected = GradCAM(model, 1, layer="second").GetMask(PICTURES[0])
    model.save(str(tmp_path), save_format="tf")
    np.testing.assert_allclose(GradCAM(model, 1, layer="second").GetMask(PICTURES[0]), expected, rtol=1e-4, atol=1e-6)
    for layer in ("second", "second/Relu", None):
        np.testing.assert_allclose(GradCAM(str(tmp_path), 1, layer=layer).GetMask(PICTURES[0]), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("scale", [2.0, np.float32(2), np.array(2.0, "float32"), tf.constant(2.0)])
def test_a_single_number_as_another_input(scale):
    class Scaled(keras.Model):
        def call(self, x, scale):
            return x * scale

    for mask in (Vanilla(Scaled(), 1), saliency.IntegratedGradients(Scaled(), 1)):
        found = mask.GetMask(np.ones(6), {"scale": scale})
        np.testing.assert_allclose(found, 2 * np.eye(6)[1], rtol=1e-5)
        np.testing.assert_allclose(mask.GetMasks(np.ones((2, 6)), feed_dict={"scale": scale})[1], found, rtol=1e-5)


def test_a_state_is_set_back():
    model = keras.Sequential([keras.Input((7, 4), batch_size=1), L.LSTM(5, stateful=True), L.Dense(3)])
    x = np.random.default_rng(0).normal(size=(7, 4))
    states = [state.numpy() for state in model.layers[0].states]
    masks = [Vanilla(model, 1).GetMask(x) for _ in range(3)]
    np.testing.assert_array_equal(masks[0], masks[2])
    for before, state in zip(states, model.layers[0].states, strict=True):
        np.testing.assert_array_equal(before, state.numpy())


def test_a_relu_in_front_of_a_gradient_of_one_s_own_is_reached():
    @tf.custom_gradient
    def sum_of(a, b):
        return a + b, lambda dy: (dy, dy)

    model = subclassed(lambda x: sum_of(0.0 * x, tf.nn.relu(x)))
    np.testing.assert_allclose(GuidedBackprop(model, 0).GetMask(X[0]), by_hand(X[0], 0, "guided"), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("gate", ["hard_sigmoid", "hard_silu"])
def test_a_hard_gate_is_no_relu(gate):
    with pytest.raises(NoReLUError):
        GuidedBackprop(functional(L.Activation(gate), L.Activation(gate)), 0).GetMask(X[0])


def test_any_number_of_samples_without_a_remark(caplog):
    model = functional(L.ReLU(), L.ReLU())
    with caplog.at_level(logging.WARNING):
        for n in range(2, 10):
            Vanilla(model, 1).GetSmoothedMask(X[0], nsamples=n, seed=0)
    assert not [record for record in caplog.records if "retracing" in record.getMessage()]


def test_errors_say_what_went_wrong():
    def checked(x):
        tf.debugging.assert_greater(tf.reduce_max(x), 1e9, message="too small")
        return x

    with pytest.raises(InputError, match="too small"):
        Vanilla(saliency.wrap(kept(tf.function(checked))), 1).GetMask(X[0])
    with pytest.raises(TargetError, match=r"`y` failed: .*TensorFlow's operations"):
        Vanilla(convolutional(), lambda out: out[:, 0] if out[0, 0] > 0 else out[:, 1]).GetMask(PICTURES[0])
    with pytest.raises(ModelError, match="Keras model"):
        Vanilla(convolutional().predict, 1).GetMask(PICTURES[0])
    with pytest.raises(InputError):
        Vanilla(convolutional(), 1).GetMask(tf.ragged.constant([[1.0, 2.0], [3.0]]))

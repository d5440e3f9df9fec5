"""Layers that assign variables or Python attributes are left as they were, bit for bit, and every pass starts from their state."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import saliency

L = keras.layers
X = np.random.default_rng(0).normal(size=(6, 6, 3)).astype("f4")


class Stateful(L.Layer):
    """A layer with one variable; subclasses change it in various ways."""

    def build(self, shape):
        self.v = tf.Variable(np.zeros(4, "f4"))
        self.built = True

    def compute_output_shape(self, shape):
        return shape

    def call(self, x):
        x = x * (1 + tf.reduce_sum(self.v))
        self.change(x)
        return x


class Assigns(Stateful):
    def change(self, x):
        self.v.assign_add(tf.ones(4))


class Scatters(Stateful):
    def change(self, x):
        self.v.scatter_nd_add([[1]], [1.0])


class Slices(Stateful):
    def change(self, x):
        self.v[1:3].assign(self.v[1:3] + 1)


class InCondition(Stateful):
    def change(self, x):
        tf.cond(tf.reduce_sum(x) > -1e9, lambda: self.v.assign_add(tf.ones(4)), lambda: self.v.read_value())


class InLoop(Stateful):
    def change(self, x):
        def body(i):
            self.v.assign_add(tf.ones(4))
            return (i + 1,)

        tf.while_loop(lambda i: i < 2, body, [0])


class InFunction(Stateful):
    @tf.function
    def change(self, x):
        self.v.scatter_nd_update([[2]], [3.0])


class InBackward(Stateful):
    def call(self, x):
        @tf.custom_gradient
        def f(x):
            def grad(upstream):
                self.v.assign_add(tf.ones(4))
                return upstream * (1 + tf.reduce_sum(self.v))

            return tf.identity(x), grad

        return f(x)


class Generator(Stateful):
    def __init__(self):
        super().__init__()
        self.generator = tf.random.Generator.from_seed(3)

    def call(self, x):
        return x + self.generator.normal((3,)) * x


class Seeds(Stateful):
    def __init__(self):
        super().__init__()
        self.seeds, self.dropout = keras.random.SeedGenerator(3), L.Dropout(0.5, seed=1)

    def call(self, x):
        return self.dropout(x + keras.random.normal((3,), seed=self.seeds) * x, training=True)


class Helper:
    last = None


class Attributes(Stateful):
    """Python attributes, which a trace would fill with tensors of its graph."""

    def __init__(self):
        super().__init__()
        self.calls, self.last, self.history, self.cache, self.pair = 0, None, [], {"h": None}, (0.0, None)
        self.helper = Helper()

    def change(self, x):
        self.calls, self.last, self.pair, self.helper.last = self.calls + 1, x, (self.pair[0] + 1.0, x), x
        self.history.append(x)
        self.cache["h"] = x
        self.new = x


KINDS = [Assigns, Scatters, Slices, InCondition, InLoop, InFunction, InBackward, Generator, Seeds, Attributes]


def state(model):
    """Return the values of all variables, and all other attributes by value or identity."""
    found = {}
    for layer in model._flatten_layers():
        for name, value in vars(layer).items():
            variable = getattr(value, "state", value)
            if isinstance(variable, tf.Variable | keras.Variable):
                found[layer.name, name] = np.asarray(variable).tobytes()
            elif isinstance(value, Helper):
                found[layer.name, name] = id(value.last)
            elif isinstance(value, list | tuple | dict) and isinstance(layer, Stateful):
                entries = value.items() if isinstance(value, dict) else enumerate(value)
                found[layer.name, name] = [(key, id(each)) for key, each in entries]
            else:
                found[layer.name, name] = id(value)
        found.update({(layer.name, i): np.asarray(each).tobytes() for i, each in enumerate(layer.variables)})
    return found


def model_with(layer):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((6, 6, 3)), L.Conv2D(3, 3, activation="tanh"), layer, L.GlobalAveragePooling2D()])


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_is_restored_and_masks_repeat(kind):
    model = model_with(kind())
    model(X[None])
    if kind is Attributes:
        kept = model.layers[1].last
    before = state(model)
    methods = {
        "vanilla": lambda: saliency.Vanilla(model, 1).GetMask(X),
        "path": lambda: saliency.IntegratedGradients(model, 1, batch_size=2).GetMask(X, x_steps=5),
        "occlusion": lambda: saliency.Occlusion(model, 1).GetMask(X, size=3, stride=3),
        "cam": lambda: saliency.GradCAM(model, 1).GetMask(X),
    }
    for name, method in methods.items():
        first, second = method(), method()
        assert state(model) == before, name
        np.testing.assert_array_equal(first, second)
    if kind is Attributes:
        assert model.layers[1].last is kept and isinstance(kept.numpy(), np.ndarray)
    mask = saliency.Vanilla(model, 1).GetMask(X)
    x = tf.constant(X[None])
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = model(x)[0, 1]  # the user's own pass is the first one that changes the state
    np.testing.assert_allclose(mask, tape.gradient(score, x)[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_attributes_are_restored_after_an_exception(error):
    class Fails(Attributes):
        fails = None

        def change(self, x):
            super().change(x)
            if Fails.fails:
                raise Fails.fails

    model = model_with(Fails())
    model(X[None])
    before, Fails.fails = state(model), error("no")
    with pytest.raises((error, saliency.SaliencyError)):
        saliency.Vanilla(model, 1).GetMask(X)
    assert state(model) == before


def test_the_lists_of_a_module_can_still_be_saved(tmp_path):
    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.w, self.history, self.cache = tf.Variable(tf.ones((3, 2))), [], {}

        @tf.function
        def __call__(self, x):
            y = tf.tanh(tf.reduce_mean(x, (1, 2)) @ self.w)
            self.history.append(y)
            self.cache["y"] = y
            return y

    module = Module()
    saliency.Vanilla(module, 1).GetMask(X)
    assert not module.history and not module.cache
    tf.train.Checkpoint(module=module).save(str(tmp_path / "checkpoint"))


def test_a_model_that_the_first_mask_builds_stays_built():
    model = keras.Sequential([L.Conv2D(3, 3), Assigns(), L.GlobalAveragePooling2D()])
    mask = saliency.Vanilla(model, 1).GetMask(X)
    weights = [each.numpy() for each in model.weights]
    assert len(weights) == 2
    x = tf.constant(X[None])
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = model(x)[0, 1]
    np.testing.assert_allclose(mask, tape.gradient(score, x)[0], rtol=1e-4, atol=1e-6)
    for before, each in zip(weights, model.weights, strict=True):
        np.testing.assert_array_equal(before, each)


def test_a_keras_2_model_without_weights_is_refused():
    model = tf_keras.Sequential([tf_keras.layers.Conv2D(3, 3), tf_keras.layers.GlobalAveragePooling2D()])
    with pytest.raises(saliency.ModelError, match=r"has no weights yet: call it once on inputs"):
        saliency.Vanilla(model, 1).GetMask(X)


@pytest.mark.parametrize("layer", ["LSTM", "GRU", "SimpleRNN"])
def test_stateful_recurrent_layers_continue_from_their_state(layer):
    model = keras.Sequential([keras.Input((7, 4), batch_size=1), getattr(L, layer)(5, stateful=True), L.Dense(3)])
    x = np.random.default_rng(0).normal(size=(1, 7, 4)).astype("f4")
    model(x)
    states = [np.asarray(each) for each in model.layers[0].states]
    path = saliency.IntegratedGradients(model, 1, batch_size=1).GetMask(x[0], x_steps=4)
    mask = saliency.Vanilla(model, 1).GetMask(x[0])
    np.testing.assert_array_equal(saliency.IntegratedGradients(model, 1, batch_size=1).GetMask(x[0], x_steps=4), path)
    for before, each in zip(states, model.layers[0].states, strict=True):
        np.testing.assert_array_equal(before, each)
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        score = model(tensor)[0, 1]
    np.testing.assert_allclose(mask, tape.gradient(score, tensor)[0], rtol=1e-4, atol=1e-6)

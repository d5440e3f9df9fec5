"""Gradients with respect to a layer's input, in Keras: those of the layers behind it, and a model left as it was."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency import Deconvnet, GuidedBackprop, Vanilla
from saliency.core.errors import GradientError, NoReLUError, TargetError
from tests.tf.eager.test_adapter import snapshot

L = keras.layers
X = np.random.default_rng(0).normal(size=(3, 8, 8, 3)).astype(np.float32)
pytestmark = pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")  # small networks may be dead

METHODS = [Vanilla, GuidedBackprop, Deconvnet]


def chain(**settings):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            L.Conv2D(4, 3, activation="relu", name="one", **settings),
            L.MaxPooling2D(2, name="pool", **settings),
            L.Conv2D(5, 2, name="two", **settings),
            L.ReLU(name="relu", **settings),
            L.Flatten(name="flat", **settings),
            L.Dense(6, activation="relu", name="hidden", **settings),
            L.Dense(4, activation="softmax", name="classes", **settings),
        ]
    )


def behind(model, at):
    """The layers from one on, as a model of their own, and what goes into them."""
    place, h = [layer.name for layer in model.layers].index(at), tf.constant(X)
    for layer in model.layers[:place]:
        h = layer(h)
    return keras.Sequential([keras.Input(h.shape[1:]), *model.layers[place:]]), h.numpy()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("at", ["one", "pool", "two", "relu", "flat", "hidden"])
def test_it_is_the_gradient_of_what_follows(method, at):
    model = chain()
    tail, h = behind(model, at)
    model(X)  # Keras notes something at the first call
    before = snapshot(model)
    got = method(model, 2).GetMasks(X, at=at)
    assert got.shape == h.shape and got.any() and snapshot(model) == before
    np.testing.assert_allclose(got, method(tail, 2).GetMasks(h), rtol=1e-4, atol=1e-7)
    np.testing.assert_array_equal(got, method(model, 2, at=model.get_layer(at)).GetMasks(X))


def test_of_a_dense_layer_it_is_a_column_of_its_weights():
    model = chain()
    np.testing.assert_array_equal(Vanilla(model, 2, at="classes").GetMask(X[0]), model.layers[-1].kernel[:, 2])


def test_several_targets_of_an_input_and_a_layer_as_target():
    model = chain()
    together = Vanilla(model).GetMasks([x for x in X[:2] for _ in range(4)], [*range(4)] * 2, at="hidden")
    one_by_one = np.stack([Vanilla(model, y).GetMask(x, at="hidden") for x in X[:2] for y in range(4)])
    np.testing.assert_allclose(together, one_by_one, rtol=1e-5, atol=1e-7)
    kernel = model.get_layer("two").kernel.numpy()  # of a layer whose own input is asked for
    wanted = np.zeros((3, 3, 3, 4), np.float32)
    for i in range(2):
        for j in range(2):
            wanted[:, i : i + 2, j : j + 2] += kernel[..., 1] / 4
    np.testing.assert_allclose(Vanilla(model, ("two", 1), at="two").GetMasks(X), wanted, rtol=1e-5)


def test_smoothed_masks_have_its_shape():
    got = GuidedBackprop(chain(), 1).GetSmoothedMask(X[0], nsamples=6, seed=1, at="two")
    assert got.shape == (3, 3, 4) and got.any()


def test_a_layer_that_is_called_twice_counts_by_its_last_call():
    keras.utils.set_random_seed(0)
    shared = L.Dense(3, activation="relu", name="shared")
    x = keras.Input((3,))
    model = keras.Model(x, L.Dense(2)(shared(shared(x))))
    h = tf.constant(shared(X[0, 0]))
    with tf.GradientTape() as tape:
        tape.watch(h)
        score = model.layers[-1](shared(h))[:, 1]
    np.testing.assert_allclose(Vanilla(model, 1, at="shared").GetMasks(X[0, 0]), tape.gradient(score, h), rtol=1e-5)


def test_the_way_around_a_layer_does_not_count_and_all_of_its_arguments_do():
    keras.utils.set_random_seed(0)
    x = keras.Input((5, 4))
    h = L.Dense(4)(x)
    h = L.Add()([h, L.MultiHeadAttention(2, 3, name="attention")(h, h)])
    model = keras.Model(x, L.Dense(3)(L.GlobalAveragePooling1D()(h)))
    tokens = np.random.default_rng(1).normal(size=(2, 5, 4)).astype(np.float32)
    attention, last = model.get_layer("attention"), model.layers[-1]
    seen = tf.constant(model.layers[1](tokens))
    with tf.GradientTape() as tape:
        tape.watch(seen)
        score = last(tf.reduce_mean(attention(seen, seen), 1))[:, 1]
    np.testing.assert_allclose(
        Vanilla(model, 1, at="attention").GetMasks(tokens), tape.gradient(score, seen), rtol=1e-4, atol=1e-7
    )


def test_a_layer_within_a_layer_in_a_compiled_function():
    class Outer(L.Layer):
        def __init__(self):
            super().__init__(name="outer")
            self.inner = L.Dense(4, activation="relu", name="inner")

        @tf.function
        def call(self, x):
            return self.inner(x + 1)

    keras.utils.set_random_seed(0)
    x = keras.Input((3,))
    model = keras.Model(x, L.Dense(2)(Outer()(x)))
    np.testing.assert_allclose(
        Vanilla(model, 1, at="outer/inner").GetMasks(X[0, 0]), Vanilla(model, 1).GetMasks(X[0, 0]), rtol=1e-5
    )


def test_mixed_precision_comes_as_float32():
    got = Vanilla(chain(dtype="mixed_float16"), 1, at="two").GetMask(X[0])
    assert got.dtype == np.float32 and got.any()


def test_a_mask_of_steps_goes_on():
    keras.utils.set_random_seed(0)
    words = keras.Input((6,))
    h = L.Masking()(L.Reshape((6, 1))(words))
    model = keras.Model(words, L.Dense(2)(L.LSTM(3, name="lstm")(h)))
    x = np.array([[1.0, 2.0, 0.0, 0.0, 3.0, 0.0]], np.float32)
    got = Vanilla(model, 1, at="lstm").GetMasks(x)
    np.testing.assert_allclose(got[..., 0], Vanilla(model, 1).GetMasks(x), rtol=1e-5)
    assert not got[0, 2].any()


def odd():
    x = keras.Input((4,))
    h = L.Add(name="sum")([L.Dense(4, name="dense")(x), x])
    h = L.Embedding(4, 3, name="embedding")(keras.ops.cast(h > 0, "int32"))  # (N, 4, 3)
    h = L.Lambda(lambda h: tf.transpose(h, (1, 0, 2)), name="turned")(h)
    h = L.Lambda(lambda h: tf.transpose(h, (1, 0, 2)), name="back")(h)
    return keras.Model(x, L.Dense(2, name="end")(L.Flatten()(h)))


@pytest.mark.parametrize(
    ("at", "match"),
    [
        ("sum", "layer 'sum' takes a list"),
        ("embedding", "layer 'embedding' takes a int32"),
        ("back", r"layer 'back' takes the shape \(4, 2, 3\) for 2 score\(s\)"),
        ("den", r"`at` \(='den'\) must be one of the model's"),
        (L.ReLU(), r"`at` \(ReLU\) must be a layer of the model"),
    ],
)
def test_errors(at, match):
    model = odd()
    model(np.ones((2, 4)))
    before = snapshot(model)
    with pytest.raises(TargetError, match=match):
        Vanilla(model, 1).GetMasks(np.ones((2, 4)), at=at)
    assert snapshot(model) == before


def test_scores_that_do_not_depend_on_it():
    with pytest.raises(GradientError, match="does not depend on the input of layer 'hidden'"):
        Vanilla(chain(), ("one", 0), at="hidden").GetMask(X[0])
    with pytest.raises(NoReLUError, match="no ReLU between the input of layer 'classes' and the score"):
        GuidedBackprop(chain(), 0, at="classes").GetMask(X[0])


def by_operations(x):
    h = tf.identity(tf.tanh(x, name="first") * 2, name="doubled")
    r = tf.nn.relu(h, name="relu")
    with tf.name_scope("scope"):
        s = tf.sin(h, name="sin")
    mixed = tf.add(r, s, name="mixed")
    turned = tf.transpose(tf.transpose(mixed, (1, 0), name="there"), (1, 0), name="back")
    return tf.reduce_sum(turned * tf.cast(tf.shape(x)[1], x.dtype), 1, keepdims=True, name="sum")


def through_a_function():
    return lambda rows=3, **options: Vanilla(tf.function(by_operations), 0).GetMasks(X[:rows, 0, 0], **options)


def through_a_session():
    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, (None, 3), "x")
        y = by_operations(x)
    mask = saliency.tf.Vanilla(graph, tf.compat.v1.Session(graph=graph), y, x, target=0)
    return lambda rows=3, **options: mask.GetMasks(X[:rows, 0, 0], **options)


@pytest.mark.parametrize("make", [through_a_function, through_a_session])
def test_an_operation_s_input_and_the_ways_through_it_alone(make):
    mask, x = make(), X[:, 0, 0].astype(np.float64)
    h = 2 * np.tanh(x)
    wanted = {
        "relu": 3.0 * (h > 0), "sin": 3 * np.cos(h), "mixed": 3.0 + 0 * h, "doubled": 3 * ((h > 0) + np.cos(h)),
        "first": 3 * ((h > 0) + np.cos(h)) * 2 * (1 - np.tanh(x) ** 2),
    }  # fmt: skip
    for at, gradient in wanted.items():
        np.testing.assert_allclose(mask(at=at), gradient, rtol=1e-5, err_msg=at)
    for no_operation in ("summ", "scope"):
        with pytest.raises(TargetError, match=rf"`at` \(='{no_operation}'\) must be one of the graph's operations; nearest: "):
            mask(at=no_operation)
    with pytest.raises(TargetError, match=r"takes the shape \(3, \d\) for 2 score|of the shape \(3, 2\) for 2 input"):
        mask(at="back", rows=2)


@pytest.mark.parametrize("make", [through_a_function, through_a_session])
def test_an_operation_s_output(make):
    mask, h = make(), 2 * np.tanh(X[:, 0, 0].astype(np.float64))
    wanted = {"relu": 3.0 + 0 * h, "doubled": 3 * ((h > 0) + np.cos(h)), "first": 6 * ((h > 0) + np.cos(h))}
    for at, gradient in wanted.items():
        np.testing.assert_allclose(mask(at=saliency.OutputOf(at)), gradient, rtol=1e-5, err_msg=at)


def test_a_call_is_no_operation():
    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, (None, 3), "x")
        h = tf.function(lambda x: tf.nn.relu(tf.sin(x)))(x)
        y = tf.reduce_sum(tf.square(h, name="square"), 1, keepdims=True)
    mask = saliency.tf.GuidedBackprop(graph, tf.compat.v1.Session(graph=graph), y, x, target=0)
    inputs = X[:, 0, 0]
    wanted = 2 * np.maximum(np.sin(inputs), 0)
    np.testing.assert_allclose(mask.GetMasks(inputs, at="square", allow_no_relu=True), wanted, rtol=1e-5)
    with pytest.raises(TargetError, match="must not be the call of a function"):
        mask.GetMasks(inputs, at=h.op.name)
    with pytest.raises(TargetError, match="must take floats that depend on the model's input"):
        mask.GetMasks(inputs, at=x)


def test_an_operation_is_named():
    with pytest.raises(TargetError, match=r"`at` \(ReLU\) must be an operation's name"):
        Vanilla(tf.function(by_operations), 0, at=L.ReLU()).GetMasks(X[:, 0, 0])

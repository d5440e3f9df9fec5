"""The adapter of all that TensorFlow runs eagerly, against closed forms and TensorFlow's own tape."""

import gc
import os
import subprocess
import sys
import threading
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import saliency
from saliency import GradCAM, GuidedBackprop, IntegratedGradients, Occlusion, Vanilla
from saliency.core.errors import GradientError, InputError, LogitWarning, ModelError, TargetError
from saliency.core.request import Request
from saliency.core.target import Target
from saliency.tf import KerasAdapter
from saliency.tf.ops.random_normal import on_device, on_host
from tests.tf.relu_networks import Module, X, by_hand, functional, kept, nested, saved

L = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore::saliency.core.errors.ZeroGradientWarning")  # small networks may be dead
RNG = np.random.default_rng(1)
PICTURES = RNG.normal(size=(3, 12, 10, 2)).astype("float32")


def convolutional(end=None, package=keras, dtype="float32"):
    """Two convolutions, a mean over space and four classes; and what comes at its end."""
    package.utils.set_random_seed(3)
    layers = package.layers
    x = package.Input((12, 10, 2))
    h = layers.Conv2D(5, 3, padding="same", activation="relu", name="first", dtype=dtype)(x)
    h = layers.MaxPooling2D(2, name="pool", dtype=dtype)(h)
    h = layers.Conv2D(6, 3, padding="same", activation="relu", name="second", dtype=dtype)(h)
    y = layers.Dense(4, name="classes", dtype=dtype)(layers.GlobalAveragePooling2D(dtype=dtype)(h))
    return package.Model(x, y if end is None else end(y))


def taped(model, x, y):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = model(x, training=False)[:, y]
    return tape.gradient(score, x).numpy()


@pytest.mark.parametrize("package", [keras, tf_keras])
def test_the_gradient_is_the_tape_s(package):
    model = convolutional(package=package)
    np.testing.assert_allclose(Vanilla(model, 2).GetMasks(PICTURES), taped(model, PICTURES, 2), rtol=1e-4, atol=1e-7)


def test_targets_of_many_inputs_are_their_own():
    ys = [2, [0, 3], 1]
    model = convolutional()
    expected = [taped(model, PICTURES[i : i + 1], ys[i])[0] for i in (0, 2)]
    masks = Vanilla(model).GetMasks(PICTURES, ys)
    np.testing.assert_allclose(masks[[0, 2]], expected, rtol=1e-4, atol=1e-7)
    both = taped(model, PICTURES[1:2], 0) + taped(model, PICTURES[1:2], 3)
    np.testing.assert_allclose(masks[1], both[0], rtol=1e-4, atol=1e-7)


def test_several_targets_of_one_input_equal_one_at_a_time():
    model = convolutional()
    for method in (Vanilla, GuidedBackprop, IntegratedGradients, GradCAM):
        together = method(model).GetMasks([PICTURES[0]] * 4, range(4))
        np.testing.assert_allclose(together, [method(model, y).GetMask(PICTURES[0]) for y in range(4)], rtol=1e-4, atol=1e-7)


HEADS = {
    "Softmax layer": L.Softmax(),
    "softmax": L.Activation("softmax"),
    "sigmoid": L.Activation("sigmoid"),
    "log softmax": L.Activation("log_softmax"),
    "log sigmoid": L.Activation("log_sigmoid"),
    "keras.ops": keras.ops.softmax,
    "tf.nn in a Lambda": L.Lambda(tf.nn.softmax),
    "reshaped": lambda y: L.Reshape((4,))(L.Reshape((4, 1))(L.Softmax()(y))),
    "transposed": L.Lambda(lambda y: tf.transpose(tf.nn.softmax(tf.transpose(y), axis=0))),
    "cast": L.Lambda(lambda y: tf.cast(tf.cast(tf.nn.softmax(y), tf.float64), tf.float32)),
    "all but the last": L.Lambda(lambda y: tf.nn.softmax(y)[:, :3]),
}


@pytest.mark.parametrize("head", HEADS)
def test_a_class_behind_a_softmax_or_sigmoid_is_explained_by_its_logit(head):
    bare, headed = convolutional(), convolutional(HEADS[head])
    np.testing.assert_allclose(Vanilla(headed, 2).GetMask(PICTURES[0]), taped(bare, PICTURES[:1], 2)[0], rtol=1e-4, atol=1e-7)
    as_it_is = Vanilla(headed, 2, logits=False).GetMask(PICTURES[0])
    np.testing.assert_allclose(as_it_is, taped(headed, PICTURES[:1], 2)[0], rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(Occlusion(headed, 2, size=5, stride=5).GetMask(PICTURES[0]),
                               Occlusion(bare, 2, size=5, stride=5).GetMask(PICTURES[0]), rtol=1e-3, atol=1e-6)  # fmt: skip


def test_a_saved_model_is_explained_by_its_logits_too(tmp_path):
    bare, headed = convolutional(), convolutional(L.Softmax())
    headed.export(str(tmp_path), verbose=False)
    np.testing.assert_allclose(Vanilla(str(tmp_path), 2).GetMasks(PICTURES), taped(bare, PICTURES, 2), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("end", [lambda y: 2 * tf.nn.softmax(y), lambda y: tf.math.log(tf.nn.softmax(y) + 1e-9)])
def test_arithmetic_behind_a_softmax_is_told_every_time(end):
    model = convolutional(L.Lambda(end))
    for _ in range(2):
        with pytest.warns(LogitWarning):
            mask = Vanilla(model, 2).GetMask(PICTURES[0])
    np.testing.assert_allclose(mask, taped(model, PICTURES[:1], 2)[0], rtol=1e-3, atol=1e-7)
    Vanilla(model, 2, logits=False).GetMask(PICTURES[0])


def test_a_gate_is_no_end():
    model = convolutional(lambda y: L.Multiply()([y, L.Activation("sigmoid")(y)]))
    np.testing.assert_allclose(Vanilla(model, 2).GetMask(PICTURES[0]), taped(model, PICTURES[:1], 2)[0], rtol=1e-3, atol=1e-7)


def test_layers_channels_and_units():
    model = convolutional()
    inner = keras.Model(model.input, model.get_layer("second").output)
    x = tf.constant(PICTURES[:1])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        seen = inner(x)
        channel, unit = tf.reduce_mean(seen[..., 3]), seen[0, 2, 1, 3]
    for y, score in ((("second", 3), channel), ((model.get_layer("second"), 3), channel), (("second", 3, 2, 1), unit)):
        np.testing.assert_allclose(Vanilla(model, y).GetMask(PICTURES[0]), tape.gradient(score, x)[0], rtol=1e-4, atol=1e-7)


def test_a_callable_explains_any_number_of_the_output():
    model = convolutional()
    mask = Vanilla(model, lambda y: tf.square(y[:, 1]) - y[:, 0]).GetMask(PICTURES[0])
    x = tf.constant(PICTURES[:1])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = model(x)
        score = y[:, 1] ** 2 - y[:, 0]
    np.testing.assert_allclose(mask, tape.gradient(score, x)[0], rtol=1e-4, atol=1e-7)
    with pytest.raises(TargetError, match="one number per sample"):
        Vanilla(model, lambda y: y).GetMask(PICTURES[0])


def two_inputs(package, as_dict=False):
    a, b = package.Input((6,), name="left"), package.Input((6,), name="right")
    h = package.layers.Dense(3, use_bias=False, name="w")(package.layers.Multiply()([a, b]))
    return package.Model({"left": a, "right": b} if as_dict else [a, b], h)


@pytest.mark.parametrize(("package", "as_dict"), [(keras, False), (keras, True), (tf_keras, False)])
def test_other_inputs_come_by_name(package, as_dict):
    model = two_inputs(package, as_dict)
    w = model.get_weights()[0]
    right = RNG.normal(size=(4, 6)).astype("float32")
    masks = Vanilla(model, 1).GetMasks(X, feed_dict={"right": right})
    np.testing.assert_allclose(masks, right * w[:, 1], rtol=1e-5)
    np.testing.assert_allclose(Vanilla(model, 1).GetMask(X[0], {"right": right[0]}), right[0] * w[:, 1], rtol=1e-5)
    other = Vanilla(KerasAdapter(model, x_name="right"), 1).GetMasks(right, feed_dict={"left": X})
    np.testing.assert_allclose(other, X * w[:, 1], rtol=1e-5)
    with pytest.raises(InputError, match=r"`feed_dict` \(names: 'wrong'\).*'left', 'right'"):
        Vanilla(model, 1).GetMask(X[0], {"wrong": right[0]})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("wrapped", [lambda x: x, lambda x: [x], lambda x: {"only": x}])
def test_one_input_in_a_structure(wrapped):
    x = keras.Input((6,), name="only")
    out = L.Dense(3, use_bias=False)
    np.testing.assert_allclose(Vanilla(keras.Model(wrapped(x), out(x)), 1).GetMask(X[0]), out.kernel[:, 1], rtol=1e-6)


class TwoArguments(keras.Model):
    def __init__(self):
        super().__init__()
        self.out = L.Dense(3, use_bias=False)

    def call(self, x, other, scale=1.0, training=False):
        assert not training
        return self.out(x * other) * scale


def test_other_arguments_of_a_subclassed_model():
    model = TwoArguments()
    model(X, X)
    w = model.get_weights()[0]
    for scale in (1.0, 2.0):
        masks = Vanilla(model, 1).GetMasks(X, feed_dict={"other": 3 * X, "scale": scale})
        np.testing.assert_allclose(masks, scale * 3 * X * w[:, 1], rtol=1e-5)


def test_several_outputs():
    x = keras.Input((6,))
    one, two = L.Dense(3, name="one"), L.Dense(2, name="two")
    model = keras.Model(x, {"first": one(x), "second": two(x)})
    np.testing.assert_allclose(Vanilla(KerasAdapter(model, output="second"), 1).GetMask(X[0]), two.kernel[:, 1], rtol=1e-5)
    np.testing.assert_allclose(Vanilla(model, lambda y: y["first"][:, 2]).GetMask(X[0]), one.kernel[:, 2], rtol=1e-5)
    with pytest.raises(ModelError, match="callable"):
        Vanilla(model, 1).GetMask(X[0])
    with pytest.raises(InputError, match="'first', 'second'"):
        Vanilla(KerasAdapter(model, output="third"), 1).GetMask(X[0])


@pytest.mark.parametrize(("dtype", "tolerance"), [("mixed_float16", 2e-2), ("mixed_bfloat16", 1e-1), ("float64", 1e-5)])
def test_models_of_other_precision(dtype, tolerance):
    model, plain = convolutional(dtype=dtype), convolutional()
    model.set_weights(plain.get_weights())
    for method in (Vanilla, GuidedBackprop, GradCAM):
        mask, expected = method(model, 2).GetMask(PICTURES[0]), method(plain, 2).GetMask(PICTURES[0])
        assert mask.dtype == ("float64" if dtype == "float64" else "float32")
        assert abs(mask - expected).max() < tolerance * abs(expected).max()


def test_layers_by_name_path_and_object():
    model = nested()
    inner = model.get_layer("body")
    expected = Vanilla(model, (inner.layers[0], 5)).GetMask(X[0])
    for name in ("one", "body/one"):
        np.testing.assert_array_equal(Vanilla(model, (name, 5)).GetMask(X[0]), expected)
    with pytest.raises(TargetError, match=r"`layer` \(='on'\) must be one of the model's .* nearest: .*one"):
        Vanilla(model, ("on", 5)).GetMask(X[0])
    with pytest.raises(TargetError, match="must be a part of the model"):
        Vanilla(model, (L.Dense(3), 5)).GetMask(X[0])


def test_two_layers_of_one_name_are_told_apart():
    x = keras.Input((6,))
    parts = [keras.Sequential([L.Dense(6, name="same")], name=name) for name in ("a", "b")]
    model = keras.Model(x, parts[1](parts[0](x)))
    with pytest.raises(TargetError, match="a/same, b/same"):
        Vanilla(model, ("same", 1)).GetMask(X[0])
    np.testing.assert_allclose(Vanilla(model, ("a/same", 1)).GetMask(X[0]), parts[0].layers[0].kernel[:, 1], rtol=1e-5)


def test_a_layer_that_is_called_twice():
    x, layer = keras.Input((6,)), L.Dense(6, use_bias=False, name="twice")
    model = keras.Model(x, layer(layer(x)))
    with pytest.raises(TargetError, match="called 2 times"):
        Vanilla(model, ("twice", 1)).GetMask(X[0])


def snapshot(model):
    layers = [model, *model._flatten_layers(include_self=False)]
    return [{k: id(v) for k, v in vars(one).items()} for one in layers], [v.tobytes() for v in model.get_weights()]


@pytest.mark.parametrize("package", [keras, tf_keras])
def test_the_model_is_left_as_it_was(package):
    model = convolutional(package=package)
    model(PICTURES)
    tf.random.set_seed(7)
    expected = tf.random.normal((3,)).numpy()
    before, trainable, eager = snapshot(model), model.trainable, tf.config.functions_run_eagerly()
    tf.random.set_seed(7)
    for method in (Vanilla, GuidedBackprop, GradCAM):
        method(model, 2).GetSmoothedMask(PICTURES[0], nsamples=2, seed=1)
        with pytest.raises(TargetError):
            method(model, 9).GetMask(PICTURES[0])
    np.testing.assert_array_equal(tf.random.normal((3,)), expected)  # the global generator was neither read nor moved
    assert snapshot(model) == before
    assert (model.trainable, tf.config.functions_run_eagerly()) == (trainable, eager)


def test_layers_are_as_before_after_an_exception_while_tracing():
    class Failing(L.Layer):
        fails = False

        def call(self, x):
            if self.fails:
                raise RuntimeError("not today")
            return x

    model = keras.Sequential([keras.Input((6,)), L.Dense(3, name="first"), Failing()])
    model.layers[-1].fails = True
    with pytest.raises(InputError, match="not today"):
        GradCAM(model, 0, layer="first").GetMask(X[0])
    assert "call" not in vars(model.layers[0])


REFUSED = """
import numpy as np, keras, saliency
model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, activation="relu")])
assert keras.config.backend() == {backend!r}
for wrapped in (saliency.wrap, saliency.Vanilla):
    try:
        wrapped(model)
    except saliency.ModelError as error:
        assert "on the {backend} backend, which is not supported: set KERAS_BACKEND=tensorflow" in str(error), error
    else:
        raise SystemExit("was not refused")
function = saliency.FunctionAdapter(lambda x: model.predict(x, verbose=0), channel_axis=-1)
print(saliency.Occlusion(function, 1).GetMask(np.ones(6, "float32"), size=1).shape)
"""


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_keras_on_another_backend_is_refused(backend):
    pytest.importorskip(backend)
    env = {**os.environ, "KERAS_BACKEND": backend}
    run = subprocess.run([sys.executable, "-c", REFUSED.format(backend=backend)], env=env, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "(6,)\n"), run.stderr


def test_dropout_and_batch_norm_are_in_inference_mode():
    model = keras.Sequential([keras.Input((6,)), L.BatchNormalization(), L.Dropout(0.9), L.Dense(3, use_bias=False)])
    mask = Vanilla(model, 1).GetMask(X[0])
    np.testing.assert_allclose(mask, model.layers[-1].kernel[:, 1] / np.sqrt(1 + 1e-3), rtol=1e-5)


def test_one_trace_serves_every_class_and_every_number_of_inputs():
    traced = []

    class Counting(keras.Model):
        def __init__(self):
            super().__init__()
            self.out = L.Dense(3)

        def call(self, x):
            traced.append(tuple(x.shape))
            return self.out(x)

    model = Counting()
    model(X)
    del traced[:]
    for n, y in ((1, 0), (4, 1), (2, [0, 2]), (3, 2)):
        Vanilla(model).GetMasks(X[:n], [y] * n)
        IntegratedGradients(model, y, batch_size=3).GetMask(X[0], x_steps=7)
    assert traced == [(None, 6)]


def test_traces_die_with_the_model():
    model = convolutional()
    watched = [weakref.ref(model), weakref.ref(model.get_layer("first"))]
    for method in (Vanilla, GuidedBackprop, GradCAM):
        method(model, 1).GetMask(PICTURES[0])
    Vanilla(model, lambda y: y[:, 0]).GetMask(PICTURES[0])
    del model
    gc.collect()
    assert [one() for one in watched] == [None, None]


def test_a_callable_s_trace_dies_with_it():
    model = functional(L.ReLU(), L.ReLU())

    def score(y):
        return y[:, 0]

    Vanilla(model, score).GetMask(X[0])
    watched = weakref.ref(score)
    del score
    gc.collect()
    assert watched() is None


def test_new_weights_and_new_layers_are_seen():
    model = functional(L.ReLU(), L.ReLU())
    before = Vanilla(model, 0).GetMask(X[0])
    weights = model.get_weights()
    model.set_weights([weights[0], weights[1], 2 * weights[2]])
    np.testing.assert_allclose(Vanilla(model, 0).GetMask(X[0]), 2 * before, rtol=1e-5)
    dense = model.layers[-1]
    dense.activation = keras.activations.tanh
    np.testing.assert_allclose(Vanilla(model, 0, logits=False).GetMask(X[0]), taped(model, X[:1], 0)[0], rtol=1e-4, atol=1e-7)


def test_a_model_that_wants_to_know_the_number_of_inputs():
    class Fixed(keras.Model):
        def call(self, x):
            return tf.stack([row * (i + 1.0) for i, row in enumerate(tf.unstack(x))])  # fails for an open number

    masks = Vanilla(Fixed(), 1).GetMasks(X)
    np.testing.assert_array_equal(masks.argmax(axis=1), 1)
    np.testing.assert_allclose(masks[:, 1], [1, 2, 3, 4])


def test_a_shape_that_is_not_known_before_the_graph_runs():
    @tf.function
    def model(x):
        length = tf.cast(tf.reduce_sum(tf.ones_like(x[0])), tf.int32)
        return tf.reshape(x * x, tf.stack([tf.shape(x)[0], length]))

    np.testing.assert_allclose(Vanilla(model, 2).GetMasks(X)[:, 2], 2 * X[:, 2], rtol=1e-6)
    with pytest.raises(TargetError, match="class or channel 6 is not in the model's output, which has 6"):
        Vanilla(model, 6).GetMask(X[0])


def test_threads_do_not_hear_of_each_other():
    model, found = functional(L.ReLU(), L.ReLU()), {}

    def work(i):
        method, rule = ((Vanilla, None), (GuidedBackprop, "guided"))[i % 2]
        found[i] = [(method(model, y).GetMask(X[i % 4]), by_hand(X[i % 4], y, rule)) for y in range(3)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(found) == 8
    for pairs in found.values():
        for mask, expected in pairs:
            np.testing.assert_allclose(mask, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", [list, np.float64, np.float32, tf.constant, tf.Variable])
def test_inputs_of_any_type(kind):
    model = functional(L.ReLU(), L.ReLU())
    x = X[0].tolist() if kind is list else kind(X[0])
    np.testing.assert_allclose(Vanilla(model, 0).GetMask(x), by_hand(X[0], 0), rtol=1e-4)


def test_the_same_seed_gives_the_same_noise_whatever_the_batch():
    adapter = saliency.wrap(convolutional())
    noise = np.concatenate([adapter.numpy(adapter.normal((5, 3), seeds)) for seeds in ([1, 2**62], [3], [4, 5, 6])])
    np.testing.assert_array_equal(adapter.numpy(adapter.normal((5, 3), [1, 2**62, 3, 4, 5, 6])), noise)
    assert len({row.tobytes() for row in noise}) == 6


def test_noise_is_standard_normal():
    from scipy import stats

    adapter = saliency.wrap(convolutional())
    for shape in ((50_001,), (1,), (40, 50, 3)):
        noise = adapter.numpy(adapter.normal(shape, list(range(4 if len(shape) > 1 else 2 if shape[0] > 1 else 4000)))).ravel()
        assert stats.kstest(noise, "norm").pvalue > 0.001
        assert np.isfinite(noise).all()


@pytest.mark.parametrize("rows", [on_host, on_device])
def test_both_ways_of_drawing_noise_are_standard_normal_and_go_by_the_seed_alone(rows):
    from scipy import stats

    noise = np.asarray(rows(20_000, [3, 2**62 + 1]))
    assert noise.shape == (2, 40_000) and noise.dtype == np.float32
    assert min(stats.kstest(row, "norm").pvalue for row in noise) > 0.001
    assert abs(np.corrcoef(noise[:, :20_000].ravel(), noise[:, 20_000:].ravel())[0, 1]) < 0.02  # cosines and sines
    np.testing.assert_array_equal(np.asarray(rows(20_000, [2**62 + 1]))[0], noise[1])


def test_whole_numbers_as_input_have_no_gradient():
    @tf.function(input_signature=[tf.TensorSpec((None, 6), tf.uint8)])
    def model(x):
        return tf.cast(x, tf.float32) @ tf.ones((6, 3))

    concrete = kept(model).get_concrete_function()
    with pytest.raises(GradientError, match="does not depend on `x_value`"):
        Vanilla(concrete, 0).GetMask(np.arange(6))
    drops = Occlusion(concrete, 0, size=1).GetMask(np.arange(6))
    np.testing.assert_allclose(drops, np.arange(6))


def test_tokens_are_explained_by_their_embedding():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((7,), dtype="int32"), L.Embedding(10, 4, name="words"), L.Flatten(), L.Dense(2)])
    with pytest.raises(GradientError):
        Vanilla(model, 0).GetMask(np.arange(7))
    scores, found, gradients = saliency.wrap(model).features(
        tf.constant(np.arange(7.0)[None], tf.float32), Request(Target.of([1]), layer="words")
    )
    kernel = model.layers[-1].kernel.numpy()[:, 1].reshape(7, 4)
    np.testing.assert_allclose(gradients[0].numpy().T, kernel, rtol=1e-5)
    np.testing.assert_allclose(found[0].numpy().T, model.layers[0].embeddings.numpy()[:7], rtol=1e-6)
    assert scores.shape == (1,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Vanilla(convolutional(), 9).GetMask(PICTURES[0]), TargetError, r"class or channel 9 is not in the model's output, which has 4"),
        (lambda: Vanilla(convolutional(), 1).GetMask(PICTURES), InputError, r"forward pass failed for `x_value` of shape \(3, 12, 10, 2\)"),
        (lambda: Vanilla(convolutional(), 1).GetMask(PICTURES[0] * np.nan), InputError, "NaN or infinite"),
        (lambda: Vanilla(convolutional(), 1).GetMask(tf.constant(PICTURES[0] * np.inf)), InputError, "finite real numbers"),
        (lambda: KerasAdapter("/nowhere"), InputError, r"'/nowhere'.*folder of a SavedModel"),
        (lambda: KerasAdapter(Module(), signature="serve"), InputError, "has no signatures"),
        (lambda: KerasAdapter(3), InputError, r"`model` \(int\)"),
        (lambda: Vanilla(Module, 1), InputError, "not an instance"),
        (lambda: Vanilla(convolutional(L.Lambda(tf.stop_gradient)), 1).GetMask(PICTURES[0]), GradientError, "does not depend"),
        (lambda: GradCAM(functional(L.ReLU(), L.ReLU()), 1).GetMask(X[0]), TargetError, "`layer`"),
    ],
)  # fmt: skip
def test_bad_input_is_told_by_name_value_and_rule(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_saved_model_s_signature_by_name(tmp_path):
    module = Module()
    tf.saved_model.save(module, str(tmp_path), signatures={"one": module.__call__, "other": module.__call__})
    loaded = tf.saved_model.load(str(tmp_path))
    np.testing.assert_allclose(Vanilla(KerasAdapter(loaded, signature="other"), 1).GetMask(X[0]), by_hand(X[0], 1), rtol=1e-4)
    with pytest.raises(InputError, match=r"`signature` \(='third'\).*'one', 'other'"):
        KerasAdapter(loaded, signature="third")


@pytest.mark.parametrize("path", ["/no/such/folder", "network.keras"])
def test_a_path_that_is_no_saved_model_is_told(path):
    with pytest.raises(InputError, match=rf"`model` \(='{path}'\) must be .*saved_model.pb.*keras.models.load_model"):
        saliency.wrap(path)


def test_a_folder_by_wrap(tmp_path):
    np.testing.assert_allclose(Vanilla(saved(tmp_path / "a"), 1).GetMask(X[0]), by_hand(X[0], 1), rtol=1e-4)


def test_a_graph_around_the_call_is_told():
    model = functional(L.ReLU(), L.ReLU())
    with tf.Graph().as_default(), pytest.raises(ModelError, match=r"builds a graph here.*GraphAdapter"):
        Vanilla(model, 0).GetMask(X[0])


def test_jit_compiled():
    adapter = KerasAdapter(functional(L.ReLU(), L.ReLU()), jit_compile=True)
    np.testing.assert_allclose(GuidedBackprop(adapter, 1).GetMask(X[0]), by_hand(X[0], 1, "guided"), rtol=1e-4)


def test_a_layer_is_found_for_a_compiled_graph():
    model = convolutional()
    expected = GradCAM(model, 1, layer="second").GetMask(PICTURES[0])
    found = GradCAM(KerasAdapter(model, jit_compile=True), 1).GetMask(PICTURES[0])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)

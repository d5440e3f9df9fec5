"""Test when a model is traced, when it is traced again, and when its traces are released."""

import gc
import logging
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from saliency import Difference, GradCAM, GuidedBackprop, IntegratedGradients, Vanilla
from saliency.core.errors import TargetError
from saliency.tf import KerasAdapter
from tests.tf.eager.keras_networks import PICTURES, convolutional_model, tape_gradients
from tests.tf.relu_networks import X, expected_gradient, functional_model
from tests.threads import run_in_threads

L = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore::saliency.core.errors.ZeroGradientWarning")  # small networks may be dead


def test_one_trace_for_all_classes_and_numbers_of_inputs():
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
    for n, y in ((1, 0), (4, 1), (2, [0, 2]), (3, 2), (3, Difference(2, 0))):
        Vanilla(model).GetMasks(X[:n], [y] * n)
        IntegratedGradients(model, y, batch_size=3).GetMask(X[0], x_steps=7)
    masks = Vanilla(model).GetMasks(X[:4], [Difference(0, 1), 2, [0, 1, 2], Difference([1, 2], 0)])
    kernel = model.out.kernel.numpy()
    sums = [kernel[:, 0] - kernel[:, 1], kernel[:, 2], kernel.sum(1), kernel[:, 1] + kernel[:, 2] - kernel[:, 0]]
    np.testing.assert_allclose(masks, sums, rtol=1e-5, atol=1e-6)
    assert traced == [(None, 6)]


def test_traces_do_not_keep_the_model_alive():
    model = convolutional_model()
    watched = [weakref.ref(model), weakref.ref(model.get_layer("first"))]
    for method in (Vanilla, GuidedBackprop, GradCAM):
        method(model, 1).GetMask(PICTURES[0])
    Vanilla(model, lambda y: y[:, 0]).GetMask(PICTURES[0])
    del model
    gc.collect()
    assert [one() for one in watched] == [None, None]


def test_traces_do_not_keep_a_callable_alive():
    model = functional_model(L.ReLU(), L.ReLU())

    def score(y):
        return y[:, 0]

    Vanilla(model, score).GetMask(X[0])
    watched = weakref.ref(score)
    del score
    gc.collect()
    assert watched() is None


def test_new_weights_and_new_activation_take_effect():
    model = functional_model(L.ReLU(), L.ReLU())
    before = Vanilla(model, 0).GetMask(X[0])
    weights = model.get_weights()
    model.set_weights([weights[0], weights[1], 2 * weights[2]])
    np.testing.assert_allclose(Vanilla(model, 0).GetMask(X[0]), 2 * before, rtol=1e-5)
    dense = model.layers[-1]
    dense.activation = keras.activations.tanh
    np.testing.assert_allclose(
        Vanilla(model, 0, logits=False).GetMask(X[0]), tape_gradients(model, X[:1], 0)[0], rtol=1e-4, atol=1e-7
    )


def test_model_that_requires_a_known_number_of_inputs():
    class Fixed(keras.Model):
        def call(self, x):
            return tf.stack([2.0 * row for row in tf.unstack(x)])  # fails for an unknown number

    masks = Vanilla(Fixed(), 1).GetMasks(X)
    np.testing.assert_array_equal(masks.argmax(axis=1), 1)
    np.testing.assert_allclose(masks[:, 1], 2)


def test_output_shape_known_only_at_run_time():
    @tf.function
    def model(x):
        length = tf.cast(tf.reduce_sum(tf.ones_like(x[0])), tf.int32)
        return tf.reshape(x * x, tf.stack([tf.shape(x)[0], length]))

    np.testing.assert_allclose(Vanilla(model, 2).GetMasks(X)[:, 2], 2 * X[:, 2], rtol=1e-6)
    with pytest.raises(TargetError, match="class or channel 6 is not in the model's output, which has 6"):
        Vanilla(model, 6).GetMask(X[0])


def test_threads_do_not_interfere():
    model, found = functional_model(L.ReLU(), L.ReLU()), {}

    def work(i):
        method, rule = ((Vanilla, None), (GuidedBackprop, "guided"))[i % 2]
        found[i] = [(method(model, y).GetMask(X[i % 4]), expected_gradient(X[i % 4], y, rule)) for y in range(3)]

    run_in_threads(work, [(i,) for i in range(8)])
    assert len(found) == 8
    for pairs in found.values():
        for mask, expected in pairs:
            np.testing.assert_allclose(mask, expected, rtol=1e-4, atol=1e-6)


def test_adapters_with_different_options_keep_separate_traces():
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
    assert len(traced) <= 3  # one call is Keras's


def test_numbers_of_samples_cause_no_retracing_warning(caplog):
    model = functional_model(L.ReLU(), L.ReLU())
    with caplog.at_level(logging.WARNING):
        for n in range(2, 10):
            Vanilla(model, 1).GetSmoothedMask(X[0], nsamples=n, seed=0)
    assert not [record for record in caplog.records if "retracing" in record.getMessage()]


def test_guided_gradient_with_jit_compile():
    adapter = KerasAdapter(functional_model(L.ReLU(), L.ReLU()), jit_compile=True)
    np.testing.assert_allclose(GuidedBackprop(adapter, 1).GetMask(X[0]), expected_gradient(X[0], 1, "guided"), rtol=1e-4)


def test_last_layer_with_jit_compile():
    model = convolutional_model()
    expected = GradCAM(model, 1, layer="second").GetMask(PICTURES[0])
    found = GradCAM(KerasAdapter(model, jit_compile=True), 1).GetMask(PICTURES[0])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)

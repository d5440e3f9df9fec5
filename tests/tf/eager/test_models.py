"""Test the kinds of models, their inputs by name, and the selection of outputs and signatures."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import saliency
from saliency import Vanilla
from saliency.core.errors import InputError, ModelError
from saliency.tf import KerasAdapter
from tests.tf.relu_networks import Module, X, expected_gradient, saved_module

L = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore::saliency.core.errors.ZeroGradientWarning")  # small networks may be dead

RNG = np.random.default_rng(1)


def two_inputs(package, as_dict=False):
    a, b = package.Input((6,), name="left"), package.Input((6,), name="right")
    h = package.layers.Dense(3, use_bias=False, name="w")(package.layers.Multiply()([a, b]))
    return package.Model({"left": a, "right": b} if as_dict else [a, b], h)


@pytest.mark.parametrize(("package", "as_dict"), [(keras, False), (keras, True), (tf_keras, False)])
def test_other_inputs_by_name(package, as_dict):
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
def test_one_input_in_a_list_or_dictionary(wrapped):
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
    with pytest.raises(ModelError, match=r"several outputs.*callable"):
        Vanilla(model, 1).GetMask(X[0])
    with pytest.raises(InputError, match=r"'first' \(N, 3\), 'second'"):
        Vanilla(KerasAdapter(model, output="third"), 1).GetMask(X[0])


REFUSAL_SCRIPT = """
import sys
sys.modules["sklearn"] = None  # Keras would import it, which takes a second
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


@pytest.mark.parametrize("backend", ["numpy"])
def test_keras_on_another_backend_is_refused(backend):
    pytest.importorskip("jax")  # which Keras's NumPy backend imports
    env = {**os.environ, "KERAS_BACKEND": backend}
    run = subprocess.run(
        [sys.executable, "-c", REFUSAL_SCRIPT.format(backend=backend)], env=env, capture_output=True, text=True
    )
    assert (run.returncode, run.stdout) == (0, "(6,)\n"), run.stderr


def test_a_saved_model_s_signature_by_name(tmp_path):
    module = Module()
    tf.saved_model.save(module, str(tmp_path), signatures={"one": module.__call__, "other": module.__call__})
    loaded = tf.saved_model.load(str(tmp_path))
    np.testing.assert_allclose(
        Vanilla(KerasAdapter(loaded, signature="other"), 1).GetMask(X[0]), expected_gradient(X[0], 1), rtol=1e-4
    )
    with pytest.raises(InputError, match=r"`signature` \(='third'\).*'one', 'other'"):
        KerasAdapter(loaded, signature="third")


@pytest.mark.parametrize("path", ["/no/such/folder", "network.keras"])
def test_path_without_a_saved_model(path):
    with pytest.raises(InputError, match=rf"`model` \(='{path}'\) must be .*saved_model.pb.*keras.models.load_model"):
        saliency.wrap(path)


class Writing(tf.Module):
    """Creates a file when it is called."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    @tf.function(input_signature=[tf.TensorSpec((None, 6))])
    def __call__(self, x):
        tf.io.write_file(self.path, "called")
        return x


def test_a_folder_needs_trust(tmp_path):
    marker = tmp_path / "marker"
    tf.saved_model.save(Writing(str(marker)), str(tmp_path / "a"))
    for refused in (saliency.wrap, lambda folder: Vanilla(folder, 1)):
        with pytest.raises(InputError, match=r"can read and write files when it is loaded or called: use .*trust=True"):
            refused(str(tmp_path / "a"))
    with pytest.raises(InputError, match=r"`trust` \(='yes'\) must be True or False"):
        saliency.wrap(tmp_path / "a", trust="yes")
    assert not marker.exists()
    Vanilla(saliency.wrap(tmp_path / "a", trust=True), 1).GetMask(X[0])
    assert marker.read_text() == "called"


def test_wrap_of_a_folder(tmp_path):
    saved = saliency.wrap(saved_module(tmp_path / "a"), trust=True)
    np.testing.assert_allclose(Vanilla(saved, 1).GetMask(X[0]), expected_gradient(X[0], 1), rtol=1e-4)


@pytest.mark.parametrize("scale", [2.0, np.float32(2), np.array(2.0, "float32"), tf.constant(2.0)])
def test_scalar_as_another_input(scale):
    class Scaled(keras.Model):
        def call(self, x, scale):
            return x * scale

    for mask in (Vanilla(Scaled(), 1), saliency.IntegratedGradients(Scaled(), 1)):
        found = mask.GetMask(np.ones(6), {"scale": scale})
        np.testing.assert_allclose(found, 2 * np.eye(6)[1], rtol=1e-5)
        np.testing.assert_allclose(mask.GetMasks(np.ones((2, 6)), feed_dict={"scale": scale})[1], found, rtol=1e-5)

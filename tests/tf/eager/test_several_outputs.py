"""Keras models and functions that return several outputs."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

import saliency  # noqa: E402

X = np.random.default_rng(0).normal(size=(8, 8, 3)).astype("float32")


@pytest.fixture(scope="module")
def parts():
    """Return the input, features and logits of a small classifier."""
    keras.utils.set_random_seed(0)
    x = keras.Input((8, 8, 3), name="image")
    features = keras.layers.Conv2D(4, 3, activation="relu")(x)
    return x, features, keras.layers.Dense(5)(keras.layers.GlobalAveragePooling2D()(features))


def test_a_class_is_read_from_the_output_that_holds_the_classes(parts):
    x, features, logits = parts
    expected = saliency.Vanilla(keras.Model(x, logits), 3).GetMask(X)
    probabilities = keras.layers.Softmax()(logits)
    for outputs, name in (
        ({"features": features, "logits": logits}, "logits"),
        ([features, logits], "1"),
        ({"features": features, "logits": probabilities}, "logits"),
    ):
        model = keras.Model(x, outputs)
        for wrapped in (model, saliency.wrap(model, output=int(name) if name.isdigit() else name)):
            for _ in range(2):  # the second adapter reuses the graph
                mask = saliency.Vanilla(wrapped, 3).GetMask(X)
                np.testing.assert_allclose(mask, expected, rtol=1e-5, atol=1e-7)
                assert mask.details["output"] == name
    read = saliency.Vanilla(keras.Model(x, {"a": features, "b": logits}), lambda out: out["b"][:, 3]).GetMask(X)
    np.testing.assert_allclose(read, expected, rtol=1e-5, atol=1e-7)
    assert "output" not in read.details


def test_outputs_that_may_be_the_classes_are_listed(parts):
    x, _, logits = parts
    model = keras.Model(x, {"cat": logits, "dog": keras.layers.Dense(5)(logits)})
    with pytest.raises(saliency.ModelError, match=r"several outputs.*'cat'.*'dog'.*output="):
        saliency.Vanilla(model, 3).GetMask(X)
    with pytest.raises(saliency.InputError, match=r"`output` \(='bird'\) must be one of.*'cat'"):
        saliency.Vanilla(saliency.wrap(model, output="bird"), 3).GetMask(X)
    assert saliency.Vanilla(saliency.wrap(model, input="image", output="dog"), 3).GetMask(X).details["output"] == "dog"


def test_functions_of_tensorflow(parts):
    kernel = tf.random.stateless_normal((3, 5), (0, 1))

    @tf.function
    def function(x):
        logits = tf.reduce_mean(x, (1, 2)) @ kernel
        return {"image": x, "logits": logits}

    mask = saliency.Vanilla(function, 3).GetMask(X)
    np.testing.assert_allclose(mask[0, 0], kernel[:, 3] / 64, rtol=1e-5)
    assert mask.details["output"] == "logits"

"""Several inputs of a TensorFlow model explained at once: closed forms, and equality with other ways."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency.core.errors import InputError

L = keras.layers
RNG = np.random.default_rng(3)
IMAGES, TABLES = RNG.normal(size=(3, 4, 5, 3)).astype("float32"), RNG.normal(size=(3, 4)).astype("float32")
INPUTS = {"image": IMAGES[0], "table": TABLES[0]}
W, V = RNG.normal(size=(60, 2)).astype("float32"), RNG.normal(size=(4, 2)).astype("float32")
w, v = W[:, 1], V[:, 1]


def functional(as_dict=False):
    image, table = keras.Input((4, 5, 3), name="image"), keras.Input((4,), name="table")
    one, other = L.Dense(2, use_bias=False), L.Dense(2, use_bias=False)
    out = L.Multiply()([one(L.Flatten()(image)), other(table)])
    one.set_weights([W])
    other.set_weights([V])
    return keras.Model({"image": image, "table": table} if as_dict else [image, table], out)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.one, self.other = L.Dense(2, use_bias=False), L.Dense(2, use_bias=False)
        self(np.zeros((1, 4, 5, 3), "float32"), np.zeros((1, 4), "float32"))
        self.one.set_weights([W])
        self.other.set_weights([V])

    def call(self, image, table, scale=1.0, training=False):
        assert not training
        return self.one(tf.reshape(image, (-1, 60))) * self.other(table) * scale


class OfDictionary(Subclassed):
    def __init__(self):
        keras.Model.__init__(self)
        self.inner = Subclassed()

    def call(self, batch):
        return self.inner(batch["image"], batch["table"])


@tf.function
def function(image, table):
    return (tf.reshape(image, (-1, 60)) @ W) * (table @ V)


MODELS = [functional(), functional(as_dict=True), Subclassed(), OfDictionary(), function]
SPECS = [tf.TensorSpec((None, 4, 5, 3), tf.float32), tf.TensorSpec((None, 4), tf.float32)]
CONCRETE = function.get_concrete_function(*SPECS)


@pytest.mark.parametrize(
    "model", [*MODELS, CONCRETE], ids=["functional", "mapping", "subclassed", "dictionary", "function", "concrete"]
)
def test_a_product_is_shared_along_the_joint_path(model):
    masks = saliency.IntegratedGradients(model, 1).GetMasks({"table": TABLES, "image": IMAGES}, y=[1, 1, 1])
    of_image, of_table = IMAGES.reshape(3, -1) @ w, TABLES @ v
    np.testing.assert_allclose(
        masks["image"].reshape(3, -1), IMAGES.reshape(3, -1) * w * of_table[:, None] / 2, rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(masks["table"], TABLES * v * of_image[:, None] / 2, rtol=1e-4, atol=1e-5)
    total = masks["image"].sum((1, 2, 3)) + masks["table"].sum(1)
    np.testing.assert_allclose(total, of_image * of_table, rtol=1e-4, atol=1e-4)


def test_equal_to_one_input_at_a_time_and_to_smoothing_alone():
    model = MODELS[0]
    together = saliency.Vanilla(model, 1).GetMask(INPUTS)
    smoothed = saliency.Vanilla(model, 1).GetSmoothedMask(INPUTS, seed=2, nsamples=4)
    occluded = saliency.Occlusion(model, 1).GetMask(INPUTS, size={"image": 3, "table": 2})
    for name, size in (("image", 3), ("table", 2)):
        others = {other: value for other, value in INPUTS.items() if other != name}
        alone = saliency.wrap(model, input=name)
        np.testing.assert_allclose(together[name], saliency.Vanilla(alone, 1).GetMask(INPUTS[name], others), rtol=1e-5)
        expected = saliency.Occlusion(alone, 1).GetMask(INPUTS[name], others, size=size)
        np.testing.assert_allclose(occluded[name], expected, rtol=1e-4, atol=1e-5)
        assert smoothed[name].shape == INPUTS[name].shape and smoothed[name].any()


def test_tuples_follow_the_order_of_the_models_inputs():
    for model in MODELS[:3]:
        masks = saliency.InputXGradient(model, 1).GetMask((IMAGES[0], TABLES[0]))
        np.testing.assert_allclose(masks["image"].sum(), (IMAGES[0].reshape(-1) @ w) * (TABLES[0] @ v), rtol=1e-3)
    scaled = saliency.InputXGradient(MODELS[2], 1).GetMask(INPUTS, {"scale": 2.0})
    np.testing.assert_allclose(scaled["table"], 2 * masks["table"], rtol=1e-5)


@pytest.mark.parametrize("model", [MODELS[0], CONCRETE, function], ids=["functional", "concrete", "function"])
def test_errors(model):
    method = saliency.Vanilla(model, 1)
    with pytest.raises(InputError, match=r"names the input 'tables'.*'image', 'table'; nearest: 'table'"):
        method.GetMask({"image": IMAGES[0], "tables": TABLES[0]})
    with pytest.raises(InputError, match=r"the model's input 'table' is missing: add it to `x_value`"):
        method.GetMask({"image": IMAGES[0]})
    with pytest.raises(InputError, match=r"`x_value\['table'\]` \(<dtype: 'int32'>\) must hold floats|\(int32\) must hold"):
        method.GetMask({"image": IMAGES[0], "table": tf.constant([1, 2, 3, 4])})


def test_a_missing_input_is_named():
    with pytest.raises(InputError, match=r"`feed_dict` \(names: none\).*'image', 'table'; missing: 'table'"):
        saliency.Vanilla(saliency.wrap(MODELS[0], input="image"), 1).GetMask(IMAGES[0])
    with pytest.raises(InputError, match=r"missing: 'table'; unknown: 'tables'; nearest: 'table'"):
        saliency.Vanilla(saliency.wrap(MODELS[0], input="image"), 1).GetMask(IMAGES[0], {"tables": TABLES[0]})


def test_lists_that_are_no_numbers_are_plain_values():
    def weighted(x, terms):
        return tf.add_n([getattr(tf, name)(factor * x) for name, factor in terms])

    method = saliency.Vanilla(tf.function(weighted), 1)
    mask = method.GetMask(TABLES[0], {"terms": [["sin", 2.0], ("cos", 3)]})
    expected = 2 * np.cos(2 * TABLES[0]) - 3 * np.sin(3 * TABLES[0])
    np.testing.assert_allclose(mask, expected * (np.arange(4) == 1), rtol=1e-4, atol=1e-6)
    again = method.GetMask(TABLES[0], {"terms": [["sin", 1.0]]})  # not the graph of the first list
    np.testing.assert_allclose(again[1], np.cos(TABLES[0][1]), rtol=1e-5)

"""Operations that stay in train mode, as in a SavedModel exported with training=True, are named in a warning."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency

L = keras.layers
X = np.random.default_rng(0).normal(size=(8, 8, 3)).astype("f4")
SPEC = [tf.TensorSpec((None, 8, 8, 3), tf.float32)]


def network():
    keras.utils.set_random_seed(0)
    x = keras.Input((8, 8, 3))
    h = L.BatchNormalization(name="norm")(L.GaussianNoise(0.3, name="noise")(L.Conv2D(4, 3)(x)))
    return keras.Model(x, L.Dense(4)(L.Dropout(0.5, name="dropout")(L.GlobalAveragePooling2D()(h))))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_saved_model(tmp_path):
    net, archive = network(), keras.export.ExportArchive()
    archive.track(net)
    archive.add_endpoint("train", lambda x: net(x, training=True), input_signature=SPEC)
    archive.add_endpoint("infer", lambda x: net(x, training=False), input_signature=SPEC)
    archive.write_out(tmp_path, verbose=False)
    loaded = tf.saved_model.load(str(tmp_path))
    before = [variable.numpy().copy() for variable in loaded.variables]
    with pytest.warns(UserWarning, match=r"train mode: .*noise.*train_mode=True") as caught:
        saliency.Vanilla(loaded.train, 1).GetMask(X)
    assert all(name in str(caught[0].message) for name in ("noise", "norm", "dropout"))
    saliency.Vanilla(saliency.wrap(loaded.train, train_mode=True), 1).GetMask(X)  # a warning would be an error
    assert all(np.array_equal(variable, value) for variable, value in zip(loaded.variables, before, strict=True))
    mask = saliency.Vanilla(loaded.infer, 1).GetMask(X)
    np.testing.assert_allclose(mask, saliency.Vanilla(net, 1).GetMask(X), atol=1e-6)


def fused(x):
    y, *_ = tf.compat.v1.nn.fused_batch_norm(x, tf.ones(3), tf.zeros(3), is_training=True)
    return tf.reduce_mean(y * x, (1, 2))


NAMED = {
    "fused norm": fused,
    "dropout": lambda x: tf.reduce_mean(tf.nn.dropout(x, 0.5), (1, 2)),
    "noise": lambda x: tf.reduce_mean(x + tf.random.normal(tf.shape(x)), (1, 2)),
}
SILENT = {
    "constant seed": lambda x: tf.reduce_mean(x, (1, 2)) @ tf.random.stateless_normal((3, 4), (1, 2)),
    "inference": lambda x: tf.reduce_mean(tf.nn.dropout(x, 0.0), (1, 2)),
}


@pytest.mark.parametrize("kind", [*NAMED, *SILENT])
def test_functions(kind):
    function = tf.function({**NAMED, **SILENT}[kind])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        saliency.Vanilla(function, 1).GetMask(X)
    assert any("operations in train mode" in str(one.message) for one in caught) == (kind in NAMED)

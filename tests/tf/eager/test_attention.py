"""Attention of Keras models and TensorFlow functions, against Torch with the same weights; other attention is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import saliency
from tests.tf.attention_networks import copy_weights, multi_head, multi_head_with_dropout, vit

torch_networks = pytest.importorskip("tests.torch.attention_networks", exc_type=ImportError)

X = np.random.default_rng(0).normal(size=(3, 24, 32, 3)).astype(np.float32)
TARGETS = [2, 0, 4]
METHODS = [saliency.AttentionRelevance, saliency.AttentionRollout, saliency.LeGrad]


def raw(method, model, x=X, y=TARGETS, **options):
    return method(model).GetMasks(x, y, should_resize=False, **options)


def check_equal(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * expected.max())
    for name in ("grid", "tokens_left_out", "tokens_read"):
        np.testing.assert_array_equal(found.details[name], expected.details[name])


def test_keras_gives_the_masks_of_torch():
    twin = torch_networks.ViT()
    model = copy_weights(vit(), twin)
    for method in METHODS:
        check_equal(raw(method, model), raw(method, twin, X.transpose(0, 3, 1, 2)))
    several = raw(saliency.AttentionRelevance, model, [X[0]] * 3, TARGETS)
    check_equal(several, raw(saliency.AttentionRelevance, twin, [X[0].transpose(2, 0, 1)] * 3, TARGETS))


def test_attention_with_dropout_and_a_mean_of_tokens():
    twin = torch_networks.ViT(extra=2, read="patches")
    model = copy_weights(vit(multi_head_with_dropout, 2, "patches"), twin)
    for method in (saliency.AttentionRelevance, saliency.LeGrad):
        check_equal(raw(method, model), raw(method, twin, X.transpose(0, 3, 1, 2)))


def spelled(inner):
    """Return attention of one head by operations of TensorFlow."""
    return lambda y, i: layers.Lambda(inner, output_shape=lambda shape: shape, name=f"attention_{i}")(y)


@spelled
def matmul(y):
    return tf.matmul(tf.nn.softmax(tf.matmul(y, y, transpose_b=True) * 0.3), y)


@spelled
def windows(y):
    rows = tf.reshape(y[:, 1:], (-1, 3, 4, y.shape[-1]))
    return tf.concat(
        [y[:, :1], tf.reshape(tf.matmul(tf.nn.softmax(tf.matmul(rows, rows, transpose_b=True)), rows), (-1, 12, y.shape[-1]))],
        1,
    )


@spelled
def pooled_keys(y):
    keys = y[:, ::2]
    return tf.matmul(tf.nn.softmax(tf.matmul(y, keys, transpose_b=True)), keys)


@spelled
def unknown(y):
    y = tf.sort(y, axis=1)
    return tf.matmul(tf.nn.softmax(tf.matmul(y, y, transpose_b=True)), y)


@spelled
def gate(y):
    return y * tf.nn.softmax(y)


def test_a_saved_model(tmp_path):
    model = vit(matmul)
    model.export(tmp_path / "saved", verbose=False)
    saved = saliency.wrap(tf.saved_model.load(str(tmp_path / "saved")))
    for method in (saliency.AttentionRelevance, saliency.LeGrad):
        expected = raw(method, model)
        assert expected.max() > 0
        np.testing.assert_allclose(raw(method, saved), expected, rtol=1e-4, atol=1e-6 * expected.max())


def test_the_layers_of_legrad():
    model = vit(blocks=1)  # the plain gradient
    layers_read = saliency.wrap(model).attentions(tf.constant(X), _request())
    expected = np.maximum(layers_read.gradients[0], 0).mean((1, 2))[:, 1:].reshape(3, 3, 4)
    np.testing.assert_allclose(raw(saliency.LeGrad, model), expected, rtol=1e-5)
    unequal = vit(lambda y, i: layers.Dense(12)(multi_head(y, i)) if i else multi_head(y, i))
    assert raw(saliency.AttentionRelevance, unequal).any()
    with pytest.raises(saliency.ModelError, match="LeGrad needs the model's blocks: equal parts"):
        raw(saliency.LeGrad, unequal)
    rejoined = keras.Model(
        unequal.input, unequal.output + layers.Dense(5)(layers.Flatten()(unequal.get_layer("tokens").output))
    )
    with pytest.raises(saliency.ModelError, match="LeGrad needs the model's blocks"):
        raw(saliency.LeGrad, rejoined)


@pytest.mark.parametrize(
    ("attention", "message"),
    [
        (windows, "attend to a window"),
        (pooled_keys, "13 queries attend to 7 keys"),
        (unknown, "not known to hold the input's positions"),
        (gate, "no attention between the input and the score"),
    ],
)
def test_other_attention_is_refused(attention, message):
    with pytest.raises(saliency.ModelError, match=f"(?s){message}.*Use GradCAM"):
        raw(saliency.AttentionRelevance, vit(attention, blocks=1))


def test_a_gate_beside_attention_and_the_softmax_of_classes():
    x = keras.Input((24, 32, 3))
    gated = layers.Lambda(lambda one: one * (1 + ops.softmax(ops.mean(one, (1, 2), keepdims=True))))(x)
    model = keras.Model(x, layers.Softmax()(vit(blocks=1)(gated)))
    assert len(saliency.wrap(model).attentions(tf.constant(X), _request()).weights) == 1


def _request():
    from saliency.core.adapter_request import Request
    from saliency.core.target import Target

    return Request(Target.of(TARGETS))


def test_a_grid_that_the_user_states():
    model = vit(unknown, extra=0, read="all", blocks=1)
    mask = raw(saliency.AttentionRollout, model, grid=(3, 4))
    assert mask.shape == (3, 3, 4) and (mask > 0).all() and (mask.details["tokens_left_out"] == 0).all()


def test_a_session_has_no_attention():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, (None, 4, 4, 3))
        y = tf.reduce_mean(x, (1, 2))
        with tf.compat.v1.Session(graph=graph) as session, pytest.raises(saliency.ModelError, match="cannot read attention"):
            adapter = saliency.tf.GraphAdapter(graph, session, y, x)
            saliency.AttentionRollout(adapter, 1).GetMask(np.ones((4, 4, 3)))

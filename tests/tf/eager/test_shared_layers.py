"""A layer that is called several times: the call that depends on the explained input counts."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency

L = keras.layers
RNG = np.random.default_rng(0)
A, B = (RNG.normal(size=(16, 16, 3)).astype(np.float32) for _ in range(2))


def backbone():
    keras.utils.set_random_seed(0)
    layers = [
        L.Conv2D(4, 3, padding="same", activation="relu"),
        L.MaxPooling2D(),
        L.Conv2D(6, 3, padding="same", activation="relu", name="last"),
    ]
    return keras.Sequential([keras.Input((16, 16, 3)), *layers], name="backbone")


def siamese(constant=False):
    """Return a network of two images through one backbone, or of one image and a constant."""
    shared, pool = backbone(), L.GlobalAveragePooling2D()
    one, two = keras.Input((16, 16, 3), name="one"), keras.Input((16, 16, 3), name="two")
    second = L.Lambda(lambda x: tf.zeros_like(x) + tf.constant(B))(one) if constant else two
    pooled = [pool(shared(one)), pool(shared(second))]
    return keras.Model(one if constant else [one, two], L.Dense(2)(L.Concatenate()(pooled)))


def by_hand(model, image, first=True):
    """Return the raw Grad-CAM of class 1 and the gradient by the backbone's output, for one branch alone."""
    shared, dense = model.get_layer("backbone"), model.layers[-1]
    features = shared(image[None])
    weights = dense.get_weights()[0][:6, 1] if first else dense.get_weights()[0][6:, 1]
    gradient = np.broadcast_to(weights / 64, features.shape[1:])
    return np.maximum((features[0] * weights / 64).numpy().sum(-1), 0), gradient


@pytest.mark.parametrize("layer", ["backbone/last", "backbone", None])
def test_the_map_is_that_of_the_explained_image(layer):
    model = siamese()
    for name, other, image, partner in (("one", "two", A, B), ("two", "one", B, A)):
        wrapped, feed = saliency.wrap(model, x_name=name), {other: partner}
        cam, gradient = by_hand(model, image, name == "one")
        found = saliency.GradCAM(wrapped, 1, layer=layer).GetMask(image, feed, should_resize=False)
        np.testing.assert_allclose(found, cam, rtol=1e-4, atol=1e-6)
        if layer:
            at = saliency.Vanilla(wrapped, 1).GetMask(image, feed, at=saliency.OutputOf(layer))
            np.testing.assert_allclose(at, gradient, rtol=1e-4)
        guided = saliency.GuidedGradCAM(wrapped, 1, layer=layer).GetMask(image, feed)
        factors = np.asarray(saliency.GuidedBackprop(wrapped, 1).GetMask(image, feed))
        resized = np.asarray(saliency.GradCAM(wrapped, 1, layer=layer).GetMask(image, feed)) * cam.max()
        np.testing.assert_allclose(guided, factors * resized[..., None], rtol=1e-3, atol=1e-6)


def test_the_input_of_a_shared_layer():
    model = siamese()
    found = [
        saliency.Vanilla(saliency.wrap(model, x_name=name), 1, at="backbone").GetMask(image, {other: partner})
        for name, other, image, partner in (("one", "two", A, B), ("two", "one", B, A))
    ]
    plain = [
        saliency.Vanilla(saliency.wrap(model, x_name=name), 1).GetMask(image, {other: partner})
        for name, other, image, partner in (("one", "two", A, B), ("two", "one", B, A))
    ]
    np.testing.assert_allclose(found, plain, rtol=1e-4, atol=1e-7)


def test_a_constant_through_the_same_backbone():
    model = siamese(constant=True)
    found = saliency.GradCAM(model, 1).GetMask(A, should_resize=False)
    np.testing.assert_allclose(found, by_hand(model, A)[0], rtol=1e-4, atol=1e-6)


def views():
    keras.utils.set_random_seed(0)
    shared, pool = L.Conv2D(4, 3, padding="same", activation="relu", name="shared"), L.GlobalAveragePooling2D()
    inputs = keras.Input((16, 16, 3))
    stem = L.Conv2D(4, 3, padding="same", activation="relu", name="stem")(inputs)
    mirrored = L.Lambda(lambda x: tf.reverse(x, [2]), name="mirrored")(stem)
    return keras.Model(inputs, L.Dense(2)(L.Concatenate()([pool(shared(stem)), pool(shared(mirrored))])))


def test_two_calls_on_parallel_paths_are_refused():
    model = views()
    for run in (
        lambda: saliency.GradCAM(model, 0, layer="shared").GetMask(A),
        lambda: saliency.GuidedGradCAM(model, 0, layer="shared").GetMask(A),
        lambda: saliency.Vanilla(model, 0, at="shared").GetMask(A),
        lambda: saliency.Vanilla(model, 0, at=saliency.OutputOf("shared")).GetMask(A),
    ):
        with pytest.raises(saliency.TargetError, match="layer 'shared' is called 2 times on parallel paths from the input"):
            run()
    assert saliency.GradCAM(model, 0).GetMask(A).details["layer"] != "shared"


def test_a_layer_of_another_input_is_refused():
    keras.utils.set_random_seed(0)
    one, two = keras.Input((16, 16, 3), name="one"), keras.Input((16, 16, 3), name="two")
    maps = [L.Conv2D(4, 3, activation="relu", name=f"conv_{x.name}")(x) for x in (one, two)]
    pooled = [L.GlobalAveragePooling2D()(each) for each in maps]
    model = keras.Model([one, two], L.Dense(2)(L.Concatenate()(pooled)))
    with pytest.raises(saliency.TargetError, match="layer 'conv_two' does not depend on the explained input"):
        saliency.GradCAM(saliency.wrap(model, x_name="one"), 0, layer="conv_two").GetMask(A, {"two": B})
    mask = saliency.GradCAM(saliency.wrap(model, x_name="one"), 0).GetMask(A, {"two": B})
    assert mask.details["layer"] == "conv_one"


def test_calls_that_follow_each_other_count_as_the_last():
    keras.utils.set_random_seed(0)
    conv, dense, inputs = L.Conv2D(3, 3, padding="same", name="conv"), L.Dense(2), keras.Input((16, 16, 3))
    model = keras.Model(inputs, dense(L.GlobalAveragePooling2D()(L.ReLU()(conv(L.ReLU()(conv(inputs)))))))
    last = tf.Variable(conv(tf.nn.relu(conv(A[None]))))
    with tf.GradientTape() as tape:
        score = dense(tf.reduce_mean(tf.nn.relu(last), (1, 2)))[0, 0]
    found = saliency.Vanilla(model, 0, at=saliency.OutputOf("conv")).GetMask(A)
    np.testing.assert_allclose(found, tape.gradient(score, last)[0], rtol=1e-4)

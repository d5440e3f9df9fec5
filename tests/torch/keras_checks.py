"""Checks of Keras models on the Torch backend: layers, inputs, ReLUs and channel axes."""

import numpy as np

import saliency
from tests.keras_masks import FEED, IMAGE, two_inputs, with_weights

IMAGES = np.random.default_rng(8).normal(size=(2, 9, 9, 3)).astype("float32")


def refused(kind, text, call):
    try:
        call()
    except kind as error:
        assert text in str(error), error
    else:
        raise AssertionError(f"was not refused: {text}")


def nested_model():
    import keras

    layers = keras.layers
    inner = keras.Sequential(
        [keras.Input((9, 9, 3)), layers.Conv2D(4, 3, name="deep"), layers.ReLU(name="relu")], name="inner"
    )
    middle = keras.Sequential([keras.Input((9, 9, 3)), inner, layers.Conv2D(5, 3, name="conv")], name="middle")
    return with_weights(keras.Sequential([keras.Input((9, 9, 3)), middle, layers.Flatten(), layers.Dense(3)]))


def layers_by_path_name_and_object():
    model = nested_model()
    inner = model.layers[0].get_layer("inner")
    masks = [
        saliency.GradCAM(model, 1).GetMask(IMAGES[0], layer=layer)
        for layer in ("middle/inner/relu", "relu", inner.get_layer("relu"))
    ]
    assert masks[0].any() and (masks[0] == masks[1]).all() and (masks[0] == masks[2]).all()
    assert saliency.GradCAM(model, 1).GetMask(IMAGES[0]).details["layer"] == "middle"
    refused(saliency.TargetError, "middle/conv", lambda: saliency.Vanilla(model, ("other/conv", 1)).GetMask(IMAGES[0]))
    refused(saliency.TargetError, "which has 5", lambda: saliency.Vanilla(model, ("conv", 5, 0, 0)).GetMask(IMAGES[0]))


def layers_of_equal_names():
    model = subclassed_model()
    one, two = (saliency.GradCAM(model, 1).GetMask(IMAGES[0], layer=name) for name in ("block", "block:2"))
    assert np.abs(one - two).max() > 0.01


def subclassed_model():
    import keras

    class Network(keras.Model):
        def __init__(self):
            super().__init__()
            self.blocks = [keras.layers.Conv2D(4, 3, name="block"), keras.layers.Conv2D(4, 3, name="block")]
            self.dropout, self.dense = keras.layers.Dropout(0.5), keras.layers.Dense(3)

        def call(self, x, shift=0.0, training=None):
            for block in self.blocks:
                x = keras.ops.relu(block(x))
            x = self.dropout(x, training=training)
            return self.dense(keras.ops.mean(x, axis=(1, 2)) + shift)

    model = Network()
    refused(saliency.ModelError, "has no weights yet: call it once", lambda: saliency.wrap(model))
    model(np.zeros((1, 9, 9, 3)))
    return with_weights(model)


def a_subclassed_model():
    """Its gradients are Torch's own, it has no dropout, and its other inputs have the names of arguments."""
    import torch

    model, shift = subclassed_model(), np.ones((2, 4), "float32")
    x = torch.tensor(IMAGES, requires_grad=True)
    model(x, shift=torch.tensor(shift))[:, 1].sum().backward()
    mask = saliency.Vanilla(model, 1).GetMasks(IMAGES, feed_dict={"shift": shift})
    np.testing.assert_allclose(mask, x.grad.numpy(), rtol=1e-4, atol=1e-6)
    by_name = saliency.Vanilla(saliency.wrap(model, input="x"), 1).GetMasks(IMAGES, feed_dict={"shift": shift})
    assert (by_name == mask).all()


def relus_of_every_kind():
    """A guided gradient through max(x, 0) is its incoming gradient where both are positive."""
    import keras
    import torch

    kinds = [
        keras.layers.ReLU(), keras.layers.Activation("relu"), keras.ops.relu, keras.layers.ReLU(max_value=6.0),
        lambda h: keras.ops.maximum(h, 0.0), torch.nn.functional.relu,
    ]  # fmt: skip
    rng = np.random.default_rng(2)
    x, w = rng.normal(size=(3, 6)).astype("float32"), rng.normal(size=6).astype("float32")
    for kind in kinds:
        inputs = keras.Input((6,))
        hidden = keras.layers.Lambda(kind)(inputs) if kind is torch.nn.functional.relu else kind(inputs)
        dense = keras.layers.Dense(1, use_bias=False)
        model = keras.Model(inputs, dense(hidden))
        dense.set_weights([w[:, None]])
        mask = saliency.GuidedBackprop(model, 0).GetMasks(x)
        np.testing.assert_allclose(mask, np.where((x > 0) & (w > 0), w, 0), rtol=1e-6, err_msg=str(kind))


def inputs_by_name():
    model = two_inputs()
    refused(saliency.InputError, "'image', 'table'", lambda: saliency.wrap(model, input="tables"))
    classes = saliency.wrap(model, output="class")
    refused(saliency.InputError, "'image', 'table'", lambda: saliency.Vanilla(classes, 1).GetMasks(IMAGE))
    masks = [
        saliency.Vanilla(saliency.wrap(model, input=choice, output="class"), 1).GetMasks(IMAGE, feed_dict=FEED)
        for choice in (None, 0, "image")
    ]
    assert masks[0].any() and (masks[0] == masks[1]).all() and (masks[0] == masks[2]).all()


def channels_first():
    import keras

    layers, first = keras.layers, {"data_format": "channels_first"}
    body = [layers.Conv2D(4, 3, name="conv", **first), layers.Activation("relu"), layers.MaxPooling2D(2, **first)]
    model = with_weights(keras.Sequential([keras.Input((3, 9, 9)), *body, layers.Flatten(), layers.Dense(2)]))
    x = IMAGES.transpose(0, 3, 1, 2)
    mask = saliency.Vanilla(model, ("conv", 1, 2, 5)).GetMask(x[0])
    rows, columns = np.nonzero(np.abs(mask).sum(0))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (2, 4, 5, 7)  # the window of a 3 x 3 convolution
    function = saliency.FunctionAdapter(lambda x: model.predict(x, verbose=0), channel_axis=0)
    plain, ours = (saliency.Occlusion(one, 1).GetMask(x[0], size=3) for one in (function, model))
    np.testing.assert_allclose(ours, plain, atol=1e-5)


def other_faces_need_tensorflow():
    from saliency import nets
    from saliency.compat import keras_vis

    needs = "on the torch backend, which is not supported: pass it to saliency.wrap"
    refused(saliency.ModelError, needs, lambda: keras_vis.visualize_saliency(nested_model(), -1, 1, IMAGES[0]))
    refused(saliency.ModelError, needs, lambda: nets.load(f"{__file__}:nested_model"))


def half_precision():
    import keras

    model = nested_model()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = nested_model()
    finally:
        keras.config.set_dtype_policy("float32")
    full, rounded = (saliency.Vanilla(one, 1).GetMask(IMAGES[0]) for one in (model, half))
    assert rounded.dtype == "float32" and 0 < np.abs(rounded - full).max() < 0.02 * np.abs(full).max()
    assert saliency.wrap(half).rounding_error == 2.0**-11


def tokens_are_found():
    """The positions of patches are followed through attention, and the last layer is that before the mean."""
    import keras

    layers = keras.layers
    x = keras.Input((9, 9, 3))
    h = layers.Reshape((9, 6), name="tokens")(layers.Conv2D(6, 3, strides=3)(x))
    n = layers.LayerNormalization()(h)
    h = layers.Add(name="sum")([h, layers.MultiHeadAttention(2, 3, name="attention")(n, n)])
    h = layers.Dense(6, name="last")(h)
    model = with_weights(keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling1D()(h))))
    mask = saliency.GradCAM(model, 1).GetMask(IMAGES[0])
    assert mask.details["layer"] == "last" and list(mask.details["grid"]) == [3, 3], mask.details


def a_torch_module_with_keras_layers():
    import torch

    class Root(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.keras = nested_model()

        def forward(self, x):
            return self.keras(x.permute(0, 2, 3, 1))

    mask = saliency.GradCAM(Root(), 1).GetMask(IMAGES[0].transpose(2, 0, 1), layer="keras/middle/inner/relu")
    np.testing.assert_allclose(mask, saliency.GradCAM(nested_model(), 1).GetMask(IMAGES[0], layer="relu"), atol=1e-6)


def gray_images_and_sequences():
    import keras

    layers = keras.layers
    gray = keras.Sequential([keras.Input((9, 9)), layers.Reshape((9, 9, 1)), layers.Conv2D(2, 3), layers.Flatten()])
    assert saliency.Occlusion(gray, 1).GetMask(IMAGES[0, ..., 0], size=3, stride=3).shape == (9, 9)
    signal = keras.Sequential([keras.Input((9, 4)), layers.Conv1D(5, 3, name="conv"), layers.LSTM(3), layers.Dense(2)])
    sequence = np.random.default_rng(3).normal(size=(9, 4))
    assert saliency.GradCAM(signal, 1).GetMask(sequence, layer="conv").shape == (9,)
    assert np.ptp(saliency.Occlusion(signal, 1).GetMask(sequence, size=3), axis=1).max() == 0  # a window covers all channels

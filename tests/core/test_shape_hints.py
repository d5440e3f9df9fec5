"""Hints on the shape of an input, and channel axes found from it."""

import copy
import re

import numpy as np
import pytest

import saliency
from saliency.core.display.show import show
from saliency.core.errors import ForwardError
from saliency.core.shape_hints import looks_channels_last, shape_hint

X = np.random.default_rng(0).normal(size=(8, 9, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("shape", "axis", "word"),
    [
        ((1, 3, 8, 8), 0, "seems to include a batch axis: pass x\\[0\\] to GetMask"),
        ((2, 3, 8, 8), 0, "If these are 2 inputs: pass them to GetMasks, or one of them to GetMask"),
        ((8, 8, 3), 0, r"channels last.* \(channels, height, width\)"),
        ((3, 8, 8), -1, r"channels first.* \(height, width, channels\)"),
        ((8, 3), -1, "pass one image to GetMask, several images to GetMasks"),
    ],
)
def test_a_shape_that_looks_wrong_gets_a_hint(shape, axis, word):
    assert re.search(word, shape_hint(shape, axis))


@pytest.mark.parametrize(("shape", "axis"), [((3, 8, 8), 0), ((8, 8, 3), -1), ((3, 8, 3), 0), ((20,), 0)])
def test_a_shape_that_looks_right_gets_no_hint(shape, axis):
    assert shape_hint(shape, axis) == ""


FIRST, LAST = r"channels last.* \(channels, height, width\)$", r"channels first.* \(height, width, channels\)$"


def torch_model(order):
    """Return a model of images with 3 channels that permutes its input's axes to this order before a convolution."""
    torch = pytest.importorskip("torch")

    class Permuted(torch.nn.Conv2d):
        def forward(self, x):
            return super().forward(x.permute(0, *order)).mean((2, 3))

    return Permuted(3, 2, 3)


def keras_model(order):
    """Return the same model in Keras, for 8 rows and columns."""
    keras = pytest.importorskip("keras")
    shape = (3, 8, 8) if order == (2, 3, 1) else (8, 8, 3)
    layers = [keras.layers.Permute(order), keras.layers.Conv2D(2, 3), keras.layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input(shape), *layers])


@pytest.mark.parametrize(
    ("make", "order", "axis", "shape", "hint"),
    [
        (torch_model, (1, 2, 3), 0, (8, 8, 3), FIRST),
        (torch_model, (1, 2, 3), 0, (8, 8, 8), "8 channels instead$"),
        (torch_model, (3, 1, 2), -1, (3, 8, 8), LAST),
        (torch_model, (3, 1, 2), -1, (8, 8, 4), "4 channels instead$"),
        (keras_model, (1, 2, 3), -1, (3, 8, 8), LAST),
        (keras_model, (2, 3, 1), 0, (8, 8, 3), FIRST),
        (keras_model, (2, 3, 1), 0, (4, 8, 8), r"received input with shape \([^)]*\)$"),
    ],
)
@pytest.mark.parametrize("method", [saliency.Vanilla, saliency.GradCAM, saliency.Occlusion, saliency.GuidedGradCAM])
def test_the_hint_depends_on_the_channel_axis_of_the_adapter(method, make, order, axis, shape, hint):
    adapter = saliency.wrap(make(order), channel_axis=axis)
    options = {"size": 2, "stride": 2} if method is saliency.Occlusion else {}
    with pytest.raises(ForwardError, match=rf"forward pass failed for `x_value` of shape {re.escape(str(shape))}") as raised:
        method(adapter, 1).GetMask(np.ones(shape, np.float32), **options)
    assert re.search(hint, str(raised.value))
    assert str(raised.value).count("The input seems") == (hint in (FIRST, LAST))
    assert raised.value.shape == shape
    assert raised.value.__cause__ is not None


def test_the_error_of_a_forward_pass_is_copied_whole_as_to_another_process():
    error = copy.copy(ForwardError("it failed", (3, 8, 8)))
    assert str(error) == "it failed" and error.shape == (3, 8, 8)


def test_shapes_with_channels_last_are_recognized():
    assert looks_channels_last((8, 8, 3))
    assert not looks_channels_last((3, 8, 8))
    assert not looks_channels_last((3, 8, 3))
    assert not looks_channels_last((8, 3))


def brightness(batch):
    """Return the sum of the third column over all channels, (N, 1)."""
    return batch[:, :, 2].sum(axis=(1, 2))[:, None]


@pytest.mark.parametrize("inputs", [lambda x: x, lambda x: x.tolist()])
def test_a_function_of_pictures_with_channels_last_is_covered_in_windows(inputs):
    mask = saliency.Occlusion(brightness, 0).GetMask(inputs(X), size=1, stride=1)
    expected = np.zeros_like(X)
    expected[:, 2] = X[:, 2].sum(axis=-1, keepdims=True)  # a window has all channels
    np.testing.assert_allclose(mask, expected, rtol=1e-4, atol=1e-4)
    both = saliency.Occlusion(brightness, 0).GetMasks(np.stack([X, X]), size=1, stride=1)
    np.testing.assert_allclose(both[1], expected, rtol=1e-4, atol=1e-4)


def test_an_explicit_channel_axis_is_used():
    mask = saliency.Occlusion(saliency.wrap(brightness, channel_axis=0), 0).GetMask(X, size=1, stride=1)
    np.testing.assert_allclose(mask[:, 2, 0], X[:, 2, 0].sum().repeat(8), rtol=1e-3, atol=1e-4)  # rows taken for channels


def test_an_option_that_no_adapter_has_raises():
    torch = pytest.importorskip("torch")
    with pytest.raises(saliency.InputError, match="`outputs` is not an option of the adapter of torch.nn"):
        saliency.wrap(torch.nn.Linear(2, 2), outputs="logits")


def test_signed_images_use_a_diverging_colormap():
    axes = show([np.array([[-1.0, 0.0], [0.5, 1.0]]), np.array([[0.0, 1.0]])]).axes
    assert [one.images[0].get_cmap().name for one in axes] == ["coolwarm", "gray"]
    assert [one.images[0].get_clim() for one in axes] == [(-1.0, 1.0), (0.0, 1.0)]


def test_names_of_other_libraries_suggest_ours():
    with pytest.raises(AttributeError, match="PAIR's GradientSaliency is called saliency.Vanilla here"):
        _ = saliency.GradientSaliency
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'$"):
        _ = saliency.Nothing
    with pytest.raises(saliency.InputError, match="the target is called `y`"):
        saliency.Occlusion(brightness, target=3)


def test_subpackages_need_no_import_statement():
    assert saliency.nets.FRAMEWORKS

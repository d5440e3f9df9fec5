"""The options, errors and input types of ``VanillaSaliencyImage`` and ``GuidedSaliencyImage``."""

import re

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from PIL import Image

import saliency
from saliency.compat.dnnbrain import GuidedSaliencyImage, VanillaSaliencyImage
from saliency.core.errors import GradientError, InputError, TargetError
from tests.compat.dnnbrain.stored_maps import assert_same
from tests.compat.dnnbrain.tiny_network import Tiny
from tests.torch.snapshot import snapshot


def test_the_gradient_by_a_fully_connected_layer_s_input_is_an_array(tiny, picture):
    """Differs from DNNBrain, which returns one number, the gradient of the bias."""
    np.testing.assert_array_equal(
        VanillaSaliencyImage(tiny, "fc2", 3).backprop(picture, "fc2"), tiny.model.classifier[2].weight[2].detach()
    )
    assert GuidedSaliencyImage(tiny, "fc2", 3).backprop(picture, "fc1").shape == (96,)


def test_smoothed_is_the_mean_over_noisy_copies(tiny, picture):
    image = GuidedSaliencyImage(tiny, "fc2", 2)
    x = tiny.test_transform(picture)
    adapter = saliency.wrap(tiny.model)
    got = image.backprop_smooth(picture, 5, 0.2, seed=3)
    mask = saliency.GuidedBackprop(adapter, ("classifier.2", 1))
    assert_same(got, np.asarray(mask.GetSmoothedMask(x, stdev_spread=0.2, nsamples=5, magnitude=False, seed=3)), "smooth")
    np.testing.assert_array_equal(got, image.backprop_smooth(picture, 5, 0.2, seed=3))
    assert not np.array_equal(image.backprop_smooth(picture, 5, 0.2), image.backprop_smooth(picture, 5, 0.2))
    np.testing.assert_allclose(image.backprop_smooth(picture, 4, 0), image.backprop(picture), rtol=1e-5, atol=1e-7)
    assert image.backprop_smooth(picture, 2, to_layer="conv2").shape == image.backprop(picture, "conv2").shape == (4, 8, 8)


@pytest.mark.parametrize(
    ("n_iter", "sigma", "match"),
    [
        (0, 0.1, "`n_iter` (=0)"),
        (2.5, 0.1, "`n_iter` (=2.5)"),
        (2, -1, "`sigma_multiplier` (=-1)"),
        (2, None, "`sigma_multiplier` (=None)"),
    ],
)
def test_invalid_smoothing_options_raise(tiny, picture, n_iter, sigma, match):
    with pytest.raises(InputError, match=re.escape(match)):
        VanillaSaliencyImage(tiny, "fc2", 2).backprop_smooth(picture, n_iter, sigma)


@pytest.mark.parametrize(
    ("layer", "channel", "match"),
    [
        ("fc4", 1, "no layer 'fc4'; nearest: fc"),
        ("fc2", 0, "`channel` (=0) must be an integer from 1 to 5 for layer fc2"),
        ("fc2", -1, "`channel` (=-1)"),
        ("fc2", 6, "`channel` (=6)"),
        ("conv1_relu", 5, "`channel` (=5) must be an integer from 1 to 4 for layer conv1_relu"),
        ("fc2", 1.5, "`channel` (=1.5)"),
        ("fc2", True, "`channel` (=True)"),
    ],
)
def test_set_layer_checks_at_once(tiny, layer, channel, match):
    image = VanillaSaliencyImage(tiny, "fc2", 2)
    with pytest.raises(TargetError, match=re.escape(match)):
        image.set_layer(layer, channel)
    assert image.get_layer() == ("fc2", 2)
    with pytest.raises(TargetError, match=re.escape(match)):
        VanillaSaliencyImage(tiny, layer, channel)


def test_missing_layers_raise(tiny, picture):
    image = VanillaSaliencyImage(tiny)
    for call in (image.get_layer, lambda: image.backprop(picture), lambda: image.backprop_smooth(picture, 2)):
        with pytest.raises(InputError, match=r"call set_layer\(layer, channel\) first"):
            call()
    with pytest.raises(InputError, match=r"`from_layer` \(='fc2'\) and `from_chn` \(=None\) must be given together"):
        VanillaSaliencyImage(tiny, "fc2")
    with pytest.raises(InputError, match="must be a Torch module"):
        VanillaSaliencyImage(3)
    image.set_layer("conv1", 1)
    with pytest.raises(GradientError, match="does not depend on the input of layer 'classifier.0'"):
        image.backprop(picture, "fc1")
    with pytest.raises(TargetError, match="no layer 'fc7'"):
        image.backprop(picture, "fc7")


def test_image_types_and_modes(tiny, picture):
    image = VanillaSaliencyImage(tiny, "fc2", 2)
    wanted = image.backprop(picture)
    chw = np.moveaxis(np.asarray(picture.convert("RGB")), -1, 0)
    for same in (chw, torch.tensor(chw), picture.convert("RGBA")):
        np.testing.assert_array_equal(image.backprop(same), wanted)
    gray = picture.convert("L")
    by_gray = image.backprop(gray)
    for same in (gray.convert("RGB"), gray.convert("LA"), gray.convert("P"), np.array(gray), torch.tensor(np.array(gray)),
                 Image.fromarray(np.array(gray).astype(np.uint16) * 257)):  # fmt: skip
        np.testing.assert_array_equal(image.backprop(same), by_gray)
    assert image.backprop(picture.convert("CMYK")).any() and image.backprop(picture.convert("1")).any()
    for wrong, match in (
        (chw / 255, r"`image` \(float64\) must be 8-bit"),
        (np.moveaxis(chw, 0, -1), r"`image` \(shape \(14, 20, 3\)\) must be"),
        ("tiny.png", r"`image` \(str\) must be"),
        (gray.convert("F"), r"`image` \(mode F\) must have 8 or 16 bits"),
    ):
        with pytest.raises(InputError, match=match):
            image.backprop(wrong)


def test_the_model_s_state_is_preserved(tiny, picture):
    tiny.model.eval()
    before = snapshot(tiny.model)
    image = GuidedSaliencyImage(tiny, "fc2", 2)
    image.backprop(picture, "conv2_relu")
    image.backprop_smooth(picture, 2)
    with pytest.raises(InputError):
        image.backprop("nothing")
    assert snapshot(tiny.model) == before


def test_an_error_in_test_transform_is_reported():
    class Broken(Tiny):
        def test_transform(self, picture):
            return super().test_transform(picture)[3]

    vanilla = VanillaSaliencyImage(Broken())
    vanilla.set_layer("conv1", 1)
    with pytest.raises(InputError, match="`test_transform` must turn a picture into finite numbers.* it raises IndexError: "):
        vanilla.backprop(Image.new("RGB", (20, 20)))

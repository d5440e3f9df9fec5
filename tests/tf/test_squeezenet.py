"""Compare the maps of a pretrained network with the same weights in Torch and Keras, for every method."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

import saliency
from tests import noise

REAL = Path(__file__).parents[3] / "shared" / "real"
SIDE = 96  # of the input: the network ends with a mean over positions, and its poolings pad as for 224 pixels

pytestmark = [
    pytest.mark.needs("torch", "torchvision"),
    pytest.mark.skipif(not REAL.exists(), reason="the pretrained network is not available"),
    pytest.mark.filterwarnings(
        "ignore::saliency.core.errors.ZeroGradientWarning"
    ),  # the rectified gradient of this network is zero
]

METHODS = {
    "Vanilla": (saliency.Vanilla, {}),
    "GuidedBackprop": (saliency.GuidedBackprop, {}),
    "Deconvnet": (saliency.Deconvnet, {}),
    "InputXGradient": (saliency.InputXGradient, {}),
    "IntegratedGradients": (saliency.IntegratedGradients, {"x_steps": 3}),
    "GradientSHAP": (saliency.GradientSHAP, {"x_steps": 3, "seed": 1}),
    "LRP": (saliency.LRP, {"rule": "epsilon-plus-flat"}),
    "Occlusion": (saliency.Occlusion, {"size": 48, "stride": 48}),
    "RISE": (saliency.RISE, {"nmasks": 6, "cells": 2, "seed": 1}),
    **{
        method.__name__: (method, {"layer": None})
        for method in (saliency.GradCAM, saliency.GradCAMPlusPlus, saliency.LayerCAM)
    },
    **{
        method.__name__: (method, {"layer": "fire8"})
        for method in (saliency.HiResCAM, saliency.XGradCAM, saliency.GuidedGradCAM)
    },
}
NAMES = {"fire8": "features.10"}  # Keras -> Torch


def small_in_float64(config):
    """Return a Keras model's configuration in float64, for images of the size `SIDE`."""
    if isinstance(config, dict):
        return {key: "float64" if key == "dtype" else small_in_float64(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [small_in_float64(one) for one in config]
    return SIDE if config == 224 else config


@pytest.fixture(scope="module")
def models():
    import keras
    import torchvision
    from safetensors.torch import load_file

    float32_model = keras.models.load_model(REAL / "squeezenet1_0.keras")
    keras_s = keras.Model.from_config(small_in_float64(float32_model.get_config()))
    keras_s.set_weights(float32_model.get_weights())
    torch_s = torchvision.models.squeezenet1_0()
    torch_s.load_state_dict(load_file(REAL / "squeezenet1_0.safetensors"))
    return saliency.wrap(keras_s), saliency.wrap(torch_s.double().eval())


@pytest.fixture(scope="module")
def picture():
    from PIL import Image

    pixels = np.asarray(Image.open(REAL / "images" / "goldfish.jpg").convert("RGB").resize((SIDE, SIDE))) / 255
    return (pixels - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)


@pytest.mark.parametrize("smoothed", [False, True], ids=["plain", "smoothed"])
@pytest.mark.parametrize("name", METHODS)
def test_both_frameworks_compute_the_same_map(models, picture, name, smoothed, monkeypatch):
    method, options = METHODS[name]
    if smoothed and name in ("GradientSHAP", "RISE"):
        pytest.skip("draws its own noise")
    found = []
    for adapter in models:
        monkeypatch.setattr(adapter, "normal", partial(noise.normal, adapter))
        settings = dict(options)
        if adapter.channel_axis == 0 and "layer" in settings:
            settings["layer"] = NAMES.get(settings["layer"], settings["layer"])
        mask, x = method(adapter, 1, **settings), np.moveaxis(picture, -1, 0) if adapter.channel_axis == 0 else picture
        one = mask.GetSmoothedMask(x, nsamples=2, seed=1, magnitude=False) if smoothed else mask.GetMask(x)
        found.append(np.moveaxis(one, 0, -1) if adapter.channel_axis == 0 and one.ndim == 3 else one)
    largest = np.abs(found[1]).max()
    assert largest > 0 or name == "Deconvnet"
    assert np.abs(found[0] - found[1]).max() <= 1e-4 * largest

"""A warning of pictures that were not prepared for their model, where the model shows it."""

import copy
import warnings

import numpy as np
import pytest
from PIL import Image

import saliency
from saliency import nets
from saliency.core.expected_input import ExpectedInput, NormalizedLayer, expected_input

PICTURE = Image.open("saliency/demo/scenes/scene_17.png").convert("RGB")
FRAMEWORKS = [
    pytest.param(name, marks=pytest.mark.needs(package)) for name, package in (("torch", "torch"), ("tf", "tensorflow"))
]


def explain(model, x, method=saliency.Vanilla):
    """Return the texts of the warnings of a call."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        method(model, 8).GetMask(x)
    return [str(one.message) for one in found if issubclass(one.category, saliency.PreprocessingWarning)]


def unknown_copy(network):
    """Return a copy of a model of which no preprocessing is known."""
    if network.channel_axis == 0:
        return copy.deepcopy(network.model)
    import keras

    model = keras.models.clone_model(network.model)
    model.set_weights(network.model.get_weights())
    return model


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_pixels_go_into_a_network_by_name(framework):
    network = nets.load("DemoNet", framework=framework)
    (message,) = explain(network.model, PICTURE)
    assert "values are up to 255, and those of the network's inputs up to 2." in message
    assert "network.explain(picture, y)" in message and "pixels" not in message
    assert explain(network, np.asarray(network.prepare(PICTURE))) == []
    if framework == "torch":  # Keras refuses such an input itself
        (message,) = explain(network.model, PICTURE.resize((120, 100)), saliency.GradCAM)
        assert "it has 100 x 120 pixels, and the network's inputs 96 x 96" in message


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_batch_normalization_shows_the_scale_of_training(framework):
    network = nets.load("DemoNet", framework=framework)
    model, prepared = unknown_copy(network), network.prepare(PICTURE)
    pixels = np.moveaxis(np.asarray(PICTURE), -1, network.channel_axis)
    assert expected_input(model) is None and explain(model, prepared) == []
    for x in (PICTURE, pixels, pixels.astype(np.float64)):
        (message,) = explain(model, x)
        assert "first batch normalization is 57 times larger than in training" in message
    assert explain(model, pixels / 255) == [] == explain(model, pixels // 8)  # of another scale, and too dark to tell


@pytest.mark.needs("torch")
def test_models_that_prepare_pixels_themselves_or_show_nothing():
    import torch

    calls = []

    class Prepares(torch.nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, x):
            calls.append(len(x))
            return self.model((x / 255 - 0.5) / 0.25)

    model = Prepares(unknown_copy(nets.load("DemoNet", framework="torch")))
    assert explain(model, PICTURE) == []
    first = len(calls)
    assert explain(model, PICTURE) == [] and len(calls) == 2 * first - 1  # the model is judged once
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
    assert explain(copy.deepcopy(model.model), PICTURE) == []  # untrained statistics
    without = torch.nn.Sequential(torch.nn.Conv2d(3, 9, 5), torch.nn.AdaptiveMaxPool2d(1), torch.nn.Flatten())
    assert explain(without, PICTURE) == []


@pytest.mark.needs("torch")
def test_a_picture_for_a_network_of_unscaled_inputs():
    import torch

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 9, 5), torch.nn.AdaptiveMaxPool2d(1), torch.nn.Flatten())
    nets.Network("pixels", model, (96, 96), std=(1 / 255, 1 / 255, 1 / 255))
    assert expected_input(model) == ExpectedInput((96, 96), pytest.approx(255)) and explain(model, PICTURE) == []
    nets.Network("small", model, (64, 64), std=(1 / 255, 1 / 255, 1 / 255))
    assert "it has 96 x 96 pixels, and the network's inputs 64 x 64" in explain(model, PICTURE)[0]


def test_the_magnitude_in_training():
    rng = np.random.default_rng(0)
    scale, shift, mean, deviation = rng.uniform(0.5, 2, (4, 5))
    values = rng.normal(mean, deviation, (200_000, 5))
    outputs = scale * (values - mean) / deviation + shift
    layer = NormalizedLayer.of("bn", mean, deviation**2, scale, shift)
    assert layer is not None and layer.magnitude == pytest.approx(np.sqrt((outputs**2).mean()), rel=1e-2)
    assert NormalizedLayer.of("bn", np.zeros(5), np.ones(5), scale, shift) is None

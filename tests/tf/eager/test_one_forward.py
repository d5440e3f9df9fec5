"""Test that the two gradients of Guided Grad-CAM are computed in one pass."""

import keras
import numpy as np
import pytest

import saliency
from saliency.core.adapter import GradientAdapter
from saliency.core.errors import NoReLUError
from saliency.tf import KerasAdapter

X = np.random.default_rng(0).normal(size=(2, 12, 12, 3)).astype(np.float32)


def network():
    keras.utils.set_random_seed(1)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Conv2D(6, 3, activation="relu", name="stem"),
            layers.Conv2D(6, 3, name="plain"),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(4),
        ]
    )


@pytest.mark.parametrize("layer", ["stem", "plain", None])
def test_one_pass_equals_two_passes(layer, monkeypatch):
    model = network()
    mask = saliency.GuidedGradCAM(model, layer=layer)
    mask.GetMasks(X, [1, 2])
    called = []
    for name in ("gradients", "features"):
        monkeypatch.setattr(KerasAdapter, name, lambda *_, name=name, **__: called.append(name))
    found = mask.GetMasks(X, [1, 2])
    monkeypatch.undo()
    assert not called
    monkeypatch.setattr(KerasAdapter, "features_and_gradients", GradientAdapter.features_and_gradients)
    expected = saliency.GuidedGradCAM(model, layer=layer).GetMasks(X, [1, 2])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7 * np.abs(expected).max())
    assert (np.abs(expected).reshape(2, -1).max(axis=1) > 0).all()


def test_network_without_relus():
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential([keras.Input((12, 12, 3)), layers.Conv2D(6, 3, name="c"), layers.Flatten(), layers.Dense(4)])
    with pytest.raises(NoReLUError, match="no ReLU between the input and the score"):
        saliency.GuidedGradCAM(model, 1, layer="c").GetMask(X[0])

"""All masks of a model share the layer that a search found, until the model changes."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency import GradCAM
from saliency.torch import layer_features

X = np.random.default_rng(0).normal(size=(3, 16, 16)).astype(np.float32)


@pytest.fixture
def searches(monkeypatch):
    found, search = [], layer_features.find_spatial_layers
    monkeypatch.setattr(layer_features, "find_spatial_layers", lambda *args: found.append(args) or search(*args))
    return found


def make_model():
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, stride=2, padding=1))
    return nn.Sequential(body, nn.Flatten(), nn.Linear(256, 3)).eval()


def test_later_masks_search_no_more(searches):
    model = make_model()
    first, second = GradCAM(model, 1).GetMask(X), GradCAM(model, 1).GetMask(X)
    named = GradCAM(model, 1).GetMask(X, layer="0")
    assert len(searches) == 1 and first.details["layer"] == second.details["layer"] == "0"
    np.testing.assert_allclose(first, second, rtol=1e-5)
    np.testing.assert_allclose(first, named, rtol=1e-5)


def replace_the_head(model):
    model[1] = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.Flatten())


def change_a_setting(model):
    model[0][2].stride = 2, 2
    model[0][2].padding_mode = "reflect"
    model[0][2]._reversed_padding_repeated_twice = [1, 1, 1, 1]


@pytest.mark.parametrize(("change", "layer"), [(replace_the_head, "1.0"), (change_a_setting, "0")])
def test_a_changed_model_is_searched_again(searches, change, layer):
    model = make_model()
    GradCAM(model, 1).GetMask(X)
    change(model)
    mask = GradCAM(model, 1).GetMask(X)
    assert len(searches) == 2 and mask.details["layer"] == layer
    np.testing.assert_allclose(mask, GradCAM(model, 1).GetMask(X, layer=layer), rtol=1e-5)


def test_a_head_of_zeros_takes_one_search(searches):
    model = make_model()
    nn.init.zeros_(model[2].weight)
    for _ in range(2):
        with pytest.warns(saliency.ZeroGradientWarning):
            assert GradCAM(model, 1).GetMask(X).details["layer"] == "0"
    assert len(searches) == 1

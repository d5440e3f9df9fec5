"""Targets of one call in different branches have a layer each, with the numbers of one at a time."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency import nets

X = np.random.default_rng(0).normal(size=(2, 3, 16, 16)).astype(np.float32)
METHODS = [
    saliency.GradCAM,
    saliency.GradCAMPlusPlus,
    saliency.HiResCAM,
    saliency.LayerCAM,
    saliency.XGradCAM,
    saliency.ScoreCAM,
    saliency.GuidedGradCAM,
]


class Tasks(nn.Module):
    """Classes 0 to 2 depend on one branch, 3 to 6 on another, 7 and 8 on the trunk."""

    def __init__(self, stride=1):
        super().__init__()
        torch.manual_seed(3)
        self.trunk = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.shape = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.color = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, stride=stride), nn.ReLU())
        self.heads = nn.ModuleList(nn.Linear(8, n) for n in (3, 4, 2))

    def forward(self, x):
        trunk = self.trunk(x)
        maps = self.shape(trunk), self.color(trunk), trunk
        return torch.cat([head(one.mean((2, 3))) for head, one in zip(self.heads, maps, strict=True)], 1)


LAYERS = {1: "shape", 5: "color", 8: "trunk"}


@pytest.mark.parametrize("ys", [[1, 5], [5, 1], [8, 1, 5], [1, 1, 5, 5]])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("options", [{}, {"batch_size": 2}])
def test_the_numbers_are_those_of_one_at_a_time(method, ys, options):
    model = Tasks().eval()
    for values in ([X[0]] * len(ys), [X[i % 2] for i in range(len(ys))]):
        together = method(model, **options).GetMasks(values, y=ys)
        assert list(together.details["layer"]) == [LAYERS[y] for y in ys]
        alone = [method(model, y).GetMask(x) for x, y in zip(values, ys, strict=True)]
        np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6 * np.abs(alone).max())
        assert (np.abs(alone).reshape(len(ys), -1).max(axis=1) > 0).all()


@pytest.mark.parametrize("order", [[8, 1, 5], [5, 8, 1], [1, 5, 8]])
def test_a_layer_does_not_depend_on_earlier_calls(order):
    mask = saliency.GradCAM(Tasks().eval())
    assert [mask.GetMasks(X[:1], y=[y]).details["layer"][0] for y in order] == [LAYERS[y] for y in order]


class Gated(nn.Module):
    """The second layer has a path to the scores, and no gradient for images with a negative mean."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.first, self.second, self.head = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1), nn.Linear(16, 4)

    def forward(self, x):
        early = self.first(x).relu()
        late = (self.second(early) * (x.mean((1, 2, 3), keepdim=True) > 0)).relu()
        return self.head(torch.cat([early.mean((2, 3)), late.mean((2, 3))], 1))


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
@pytest.mark.parametrize("method", METHODS)
def test_a_layer_without_gradients_for_one_image_is_used_for_others(method, order):
    images = np.stack([X[0] - X[0].mean() - 0.5, X[0] - X[0].mean() + 0.5])[order]
    alone = [method(Gated().eval(), 1).GetMask(x) for x in images]
    assert [one.details["layer"] for one in alone] == [["first", "second"][i] for i in order]
    model = Gated().eval()
    for together in (method(model, 1).GetMasks(images), [method(model, 1).GetMask(x) for x in images]):
        np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6)


def test_new_weights_change_the_layer():
    model, weights = Gated().eval(), Gated().state_dict()
    with torch.no_grad():
        model.head.weight[:, 8:] = 0
    assert saliency.GradCAM(model, 1).GetMask(X[0] + 1).details["layer"] == "first"
    model.load_state_dict(weights)
    assert saliency.GradCAM(model, 1).GetMask(X[0] + 1).details["layer"] == "second"


ZERO = saliency.Difference(2, 2)
"""A class rather than itself: its score and all gradients are zero."""


@pytest.mark.parametrize("ys", [[ZERO], [ZERO, 1], [1, 2, saliency.Difference(1, 2), ZERO]])
def test_a_score_without_gradients_leaves_the_layers_of_other_targets_as_they_are(ys):
    network = nets.load("DemoViT")
    model, x = copy.deepcopy(network.model), np.zeros((3, *network.size), np.float32)
    x[:, 20:60, 30:40] = 1
    with pytest.warns(saliency.ZeroGradientWarning):
        first = saliency.GradCAM(model).GetMasks([x] * len(ys), ys)
    later = saliency.GradCAM(model).GetMasks([x] * 2, [1, saliency.Difference(1, 2)])
    layers = [*first.details["layer"][[y is not ZERO for y in ys]], *later.details["layer"]]
    assert set(layers) == {"blocks.4.norm1"}  # the layers behind it give the score their class token only
    assert (np.abs(later).max(axis=(1, 2)) > 0).all()


def test_a_smoothed_map():
    model = Tasks().eval()
    together = saliency.GradCAM(model).GetSmoothedMasks([X[0]] * 2, y=[1, 5], nsamples=4, seed=0)
    alone = [saliency.GradCAM(model, y).GetSmoothedMask(X[0], nsamples=4, seed=0) for y in (1, 5)]
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6)


def test_raw_maps_of_different_sizes_are_refused():
    mask = saliency.GradCAM(Tasks(stride=2).eval())
    with pytest.raises(saliency.InputError, match=r"different shapes \(\(16, 16\), \(8, 8\)\).*name a `layer`"):
        mask.GetMasks([X[0]] * 2, y=[1, 5], should_resize=False)
    assert mask.GetMasks([X[0]] * 2, y=[1, 5]).shape == (2, 16, 16)


def test_targets_with_one_layer_share_their_passes():
    model, forwards = Tasks().eval(), []
    mask = saliency.GradCAM(model)
    mask.GetMasks([X[0]] * 2, y=[3, 5])
    model.register_forward_pre_hook(lambda _module, args: forwards.append(len(args[0])))
    mask.GetMasks([X[0]] * 3, y=[3, 4, 5])
    assert forwards == [1]


@pytest.mark.parametrize(("y", "layer"), [((1, 2), "shape"), ((7, 8), "trunk")])
@pytest.mark.parametrize("method", METHODS)
def test_the_layer_of_opposite_targets_is_found_although_their_gradients_cancel(method, y, layer):
    ys = [saliency.Difference(*y), saliency.Difference(*y[::-1])]
    together = method(Tasks().eval()).GetMasks([X[0]] * 2, y=ys)
    assert list(together.details["layer"]) == [layer] * 2
    alone = [method(Tasks().eval(), one).GetMask(X[0]) for one in ys]
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6 * np.abs(alone).max())
    assert np.abs(alone).max() > 0

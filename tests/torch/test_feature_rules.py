"""Features with a backward rule equal the gradient of the layers after the given layer."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency.core.adapter_request import Request
from saliency.core.errors import NoReLUError
from saliency.core.target import Target
from tests.torch.nested_network import X, nested_network
from tests.torch.snapshot import snapshot


class Tail(nn.Module):
    """The layers of `NestedNetwork` after a given layer."""

    def __init__(self, model, layer):
        super().__init__()
        self.model, self.layer = model, layer

    def forward(self, h):
        if self.layer == "stem":
            h = self.model.twice(torch.relu(self.model.twice(h)))
        h = torch.relu(h if self.layer == "body" else self.model.body(h))
        return self.model.fc(h.mean((2, 3)))


@pytest.mark.parametrize("rule", [None, "guided", "rectified"])
@pytest.mark.parametrize("layer", ["stem", "twice", "body"])
def test_gradient_equals_that_of_the_layers_after(layer, rule):
    model, target = nested_network(), Target.of([1, 4, [2, 3]])
    before = snapshot(model)
    scores, found, gradients = saliency.wrap(model).features(torch.tensor(X), Request(target, layer=layer, rule=rule))
    wanted = saliency.wrap(Tail(model, layer)).gradients(found, Request(target, rule=rule))
    torch.testing.assert_close((scores, gradients), wanted, rtol=1e-5, atol=1e-7)
    assert gradients.any() and snapshot(model) == before


def test_rules_give_different_gradients():
    model = nested_network()
    found = [
        saliency.wrap(model).features(torch.tensor(X), Request(Target.of([1] * 3), layer="stem", rule=rule))[2]
        for rule in (None, "guided", "rectified")
    ]
    assert not any(torch.equal(found[i], found[j]) for i, j in ((0, 1), (0, 2), (1, 2)))


def test_search_ignores_the_rule():
    model = nested_network()
    adapter, target = saliency.wrap(model), Target.of([1] * 3)
    named, searched = (
        adapter.features(torch.tensor(X), Request(target, layer=layer, rule="guided")) for layer in ("body", None)
    )
    torch.testing.assert_close(searched, named, rtol=0, atol=0)


def test_error_for_no_relu_after_the_layer():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(4 * 12 * 8, 2))
    adapter, x, request = saliency.wrap(model), torch.tensor(X), Request(Target.of([1] * 3), layer="2")
    guided = replace(request, rule="guided")
    with pytest.raises(NoReLUError, match="no ReLU between layer '2' and the score"):
        adapter.features(x, guided)
    torch.testing.assert_close(
        adapter.features(x, replace(guided, allow_no_relu=True)), adapter.features(x, request), rtol=0, atol=0
    )


def test_a_relu_in_place_on_a_view_is_found():
    class Views(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4 * 14 * 10, 2)

        def forward(self, x):
            h = self.conv(x)
            return self.fc(h.view(h.shape).relu_().flatten(1))

    torch.manual_seed(0)
    model = Views()
    _, found, gradients = saliency.wrap(model).features(
        torch.tensor(X), Request(Target.of([1] * 3), layer="conv", rule="guided")
    )
    plain = model.fc.weight[1].detach().reshape(4, 14, 10)
    np.testing.assert_allclose(gradients, (plain.clamp(min=0) * (found > 0)), rtol=1e-6)

"""The user states the grid of a layer's tokens: grid=, tokens= and reshape=."""

import numpy as np
import pytest
import torch

import saliency
from saliency import GradCAM, GuidedGradCAM
from tests.torch.nested_network import RNG
from tests.torch.token_networks import Transformer


@pytest.mark.parametrize("method", [GradCAM, GuidedGradCAM])
@pytest.mark.parametrize("layer", [None, "blocks"])
def test_the_user_states_the_grid(method, layer):
    torch.manual_seed(0)
    model, x = Transformer(2, 3).eval(), RNG.normal(size=(3, 32, 48)).astype(np.float32)
    known = method(model, 2).GetMask(x)
    options = [
        {"grid": (4, 6), "tokens": slice(2, -3)},
        {"reshape": lambda out: out[:, 2:26].unflatten(1, (4, 6)).movedim(-1, 1)},
    ]
    for chosen in options if layer else options[:1]:
        mask = method(model, 2, layer, **chosen).GetMask(x)
        np.testing.assert_allclose(mask, known, rtol=1e-4, atol=1e-6)
        assert mask.details["grid"].tolist() == [4, 6]
    mask = GradCAM(model, 2, "blocks", grid=(3, 8), tokens=5).GetMask(x, should_resize=False)
    assert mask.shape == (3, 8) and mask.details["tokens_left_out"] == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grid": (4, 7), "tokens": 2}, r"`grid` \(=\(4, 7\)\) needs tokens \(N, tokens, channels\)"),
        ({"grid": (4, 0)}, r"`grid` \(=\(4, 0\)\) must be whole numbers, 1 or more"),
        ({"grid": 4}, r"`grid` \(=4\) must be whole numbers, 1 or more"),
        ({"grid": (4, 6), "tokens": -1}, r"`tokens` \(=-1\) must be a whole number, 0 or more"),
        ({"tokens": 2}, r"`tokens` \(=2\) needs `grid`"),
        ({"reshape": 3}, r"`reshape` \(=3\) must be a function"),
        ({"reshape": lambda out: out}, r"`reshape` returned a Tensor of shape \(1, 29, 16\) .* \(N, channels, \*space\)"),
    ],
)
def test_errors_of_a_stated_grid(options, message):
    model, x = Transformer(2, 3).eval(), np.ones((3, 32, 48), np.float32)
    with pytest.raises(saliency.SaliencyError, match=message):
        GradCAM(model, 2, "blocks", **options).GetMask(x)

"""DeepLIFT equals Captum's where Captum supports the network, and adds up to the change of the score elsewhere."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import saliency
from saliency.core.errors import ModelError
from saliency.torch.deeplift.pair import Pair
from tests.torch.snapshot import snapshot

captum = pytest.importorskip("captum.attr")
pytestmark = pytest.mark.filterwarnings("ignore:Setting forward, backward hooks", "ignore:Input Tensor")  # of Captum


class Functional(nn.Module):
    """A network that Captum refuses or gets wrong: a ReLU used twice, functions, overlapping pools, products, normalizations."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.relu = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(inplace=True)
        self.gate, self.group, self.instance = nn.Linear(6, 6), nn.GroupNorm(2, 6), nn.InstanceNorm2d(6, affine=True)
        self.last = nn.Linear(6, 4)

    def forward(self, x):
        x = self.relu(self.first(x))
        x = functional.max_pool2d(self.relu(self.second(x) + x), 3, 2)
        x = self.instance(functional.silu(self.group(x)))
        x = x * torch.sigmoid(self.gate(x.mean((2, 3))))[:, :, None, None]
        x = functional.hardswish(x) / (1 + x.abs().amax((2, 3), keepdim=True))
        x = functional.mish(x.amin((2, 3)) + functional.elu(x.mean((2, 3))))
        return functional.log_softmax(self.last(x), 1) * torch.logsumexp(x, 1, keepdim=True)


def small(activation):
    torch.manual_seed(0)
    convolutions = nn.Conv2d(2, 4, 3), activation(), nn.BatchNorm2d(4), nn.MaxPool2d(2), nn.Conv2d(4, 5, 2), activation()
    model = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(20, 6), activation(), nn.Linear(6, 3)).double().eval()
    model[2].running_mean.normal_(), model[2].running_var.uniform_(0.5, 2)
    return model


def inputs(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.LeakyReLU, nn.ELU, nn.Sigmoid, nn.Tanh, nn.Softplus])
def test_deep_lift_equals_captum(activation):
    model, x, baseline = small(activation), inputs(3, 2, 8, 8), inputs(2, 8, 8, seed=1)
    references = torch.from_numpy(baseline).expand(3, 2, 8, 8)
    expected = captum.DeepLift(model).attribute(torch.from_numpy(x), references, target=1).detach().numpy()
    mask = saliency.DeepLIFT(model, 1).GetMasks(x, x_baseline=baseline)
    np.testing.assert_allclose(mask, expected, atol=1e-6 * np.abs(expected).max())
    np.testing.assert_allclose(np.sum(mask, axis=(1, 2, 3)), mask.details["change"], rtol=1e-7)


@pytest.mark.parametrize("pool", [(3,), (3, 1), (2, 3, 1), (3, 2, 1, 2), (3, 2, 1, 1, False, True), ((2, 3), (1, 2))], ids=str)
def test_the_indices_of_a_pool_give_the_gradient_of_another_run(pool, monkeypatch):
    """Windows that overlap or leave a part out, with a padding or a dilation, on images in both memory formats."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(*pool), nn.Conv2d(4, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    x, baseline = inputs(2, 3, 130, 64).astype("float32"), inputs(3, 130, 64, seed=1).astype("float32")
    fast = [
        saliency.DeepLIFT(one.eval(), 1).GetMasks(x, x_baseline=baseline) for one in (model, copy.deepcopy(model).double())
    ]
    monkeypatch.setattr(Pair, "_pull_back_pooling", lambda *_: None)
    slow = [
        saliency.DeepLIFT(one.eval(), 1).GetMasks(x, x_baseline=baseline) for one in (model, copy.deepcopy(model).double())
    ]
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6 * np.abs(other).max())
        assert np.abs(one.details["gap"]).max() < 1e-4 * np.abs(one.details["change"]).max()


def test_deep_shap_is_the_mean_over_baselines_and_equals_captum():
    model, x, baselines = small(nn.ReLU), inputs(2, 2, 8, 8), inputs(3, 2, 8, 8, seed=1)
    expected = captum.DeepLiftShap(model).attribute(*map(torch.from_numpy, (x, baselines)), target=2).detach().numpy()
    mask = saliency.DeepSHAP(model, 2, batch_size=1).GetMasks(x, x_baseline=baselines)
    np.testing.assert_allclose(mask, expected, atol=1e-9)
    with torch.no_grad():
        scores, start = model(torch.from_numpy(x))[:, 2], model(torch.from_numpy(baselines))[:, 2].mean()
    np.testing.assert_allclose(np.sum(mask, axis=(1, 2, 3)), scores - start, rtol=1e-9)


@pytest.mark.parametrize("exported", [False, True])
def test_the_mask_adds_up_for_functions_products_and_normalizations(exported):
    torch.manual_seed(0)
    model = Functional().eval()
    if exported:
        model = torch.export.export(model, (torch.zeros(2, 3, 12, 12),)).module()
    x, baseline = inputs(2, 3, 12, 12).astype("float32"), inputs(3, 12, 12, seed=1).astype("float32")
    before = snapshot(model)
    mask = saliency.DeepLIFT(model, 1).GetMasks(x, x_baseline=baseline)
    assert snapshot(model) == before
    assert np.abs(mask.details["gap"]).max() < 1e-5 * np.abs(mask.details["change"]).max()


class Attention(nn.Module):
    def __init__(self, fused):
        super().__init__()
        torch.manual_seed(0)
        self.norm, self.qkv, self.last, self.fused = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 3), fused

    def forward(self, x):
        q, k, v = self.qkv(self.norm(x)).chunk(3, dim=-1)
        weights = (q @ k.transpose(-1, -2) * 8**-0.5).softmax(-1)
        x = x + (functional.scaled_dot_product_attention(q, k, v) if self.fused else weights @ v)
        return self.last(functional.gelu(x)[:, 0])


def test_attention_adds_up_and_is_the_same_whether_it_is_fused_or_not():
    x = inputs(2, 5, 8)
    fused, explicit = (
        saliency.DeepLIFT(Attention(each).double().eval(), 1).GetMasks(x, x_baseline=0.3) for each in (True, False)
    )
    np.testing.assert_allclose(fused, explicit, atol=1e-12)
    np.testing.assert_allclose(np.sum(fused, axis=(1, 2)), fused.details["change"], rtol=1e-6)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: torch.sort(x, dim=1).values, "Sort"),
        (lambda x: torch.cumprod(x, dim=1), "Cumprod"),
        (lambda x: x[:, x[0].argsort()], "index"),
        (lambda x: torch.where(x > 0, x, 2 * x), "where"),
    ],
)
def test_an_operation_without_a_rule_is_refused_by_name(function, name):
    class Model(nn.Module):
        def forward(self, x):
            return function(x)

    with pytest.raises(ModelError, match=f"no rule for .*{name}.*IntegratedGradients"):
        saliency.DeepLIFT(Model(), 1).GetMask(inputs(6), x_baseline=0.1)


def test_a_change_that_has_no_gradient_is_refused():
    class Detached(nn.Module):
        def forward(self, x):
            return x * x.detach()

    with pytest.raises(ModelError, match="distributes .* of a change"):
        saliency.DeepLIFT(Detached(), 1).GetMask(inputs(4))


def test_a_product_in_place_by_a_parameter_has_its_rule():
    """Autograd copies what such a product overwrites, between its own node and the operator, as in Keras's normalization."""

    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.scale, self.fc = nn.Conv2d(3, 4, 3), nn.Parameter(torch.randn(1, 4, 1, 1)), nn.Linear(4, 2)

        def forward(self, x):
            features = (torch.relu(self.conv(x)) - 0.1).mul_(self.scale)
            return self.fc((features * torch.sigmoid(features)).mean((2, 3)))

    torch.manual_seed(0)
    model, x = Scaled().double().eval(), torch.randn(3, 8, 8, dtype=torch.float64)
    with torch.no_grad():
        change = (model(x[None]) - model(torch.zeros(1, 3, 8, 8, dtype=torch.float64)))[0, 1].item()
    assert saliency.DeepLIFT(model, 1).GetMask(x).sum() == pytest.approx(change, rel=1e-9)

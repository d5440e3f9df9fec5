"""Test which activations a backward rule counts as ReLUs: the same as in TensorFlow, see tests/tf/ops/test_what_is_a_relu.py."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import saliency
from saliency.core.errors import NoReLUError
from tests.torch.relu_networks import ReluNetwork, image, reference_gradient

A = 0.25
PARTS = {
    "PReLU": nn.PReLU(),
    "PReLU written out": lambda h: F.relu(h) - A * F.relu(-h),
    "PReLU with a parameter": lambda h: F.relu(h) - nn.Parameter(torch.tensor(A)) * F.relu(-h),
    "leaky ReLU": nn.LeakyReLU(0.1),
    "leaky ReLU by clamps": lambda h: h.clamp(min=0) + A * h.clamp(max=0),
    "leaky ReLU by a maximum": lambda h: torch.maximum(F.relu(h), A * h),
    "leaky ReLU with a ceiling": lambda h: F.relu6(h) - A * F.relu(-h),
    "PReLU by its absolute value": lambda h: F.relu(h) + A * (h - h.abs()) * 0.5,
    "CELU": nn.CELU(),
    "CELU written out": lambda h: h.clamp(min=0) + torch.clamp(2 * torch.expm1(h / 2), max=0),
    "ELU": nn.ELU(),
    "ELU by a choice": lambda h: torch.where(h > 0, F.relu(h), torch.expm1(h)),
    "hard swish": nn.Hardswish(),
    "hard swish written out": lambda h: h * F.relu6(h + 3) / 6,
    "hard swish, factor first": lambda h: h * (F.relu6(h + 3) * (1 / 6)),
    "hard swish in place": lambda h: h * F.relu6(h + 3, inplace=True).div_(6),
    "hard swish by a clamp": lambda h: (h / 6 + 0.5).clamp(0, 1) * h,
    "hard sigmoid": nn.Hardsigmoid(),
    "hard sigmoid written out": lambda h: F.relu6(h + 3) / 6,
    "hard sigmoid, slope 0.2": lambda h: (0.2 * h + 0.5).clamp(0, 1),
    "hard sigmoid in two steps": lambda h: F.relu(0.2 * h + 0.5).clamp(max=1),
    "softplus written out": lambda h: F.relu(h) + torch.log1p(torch.exp(-h.abs())),
    "absolute value": lambda h: F.relu(h) + F.relu(-h),
    "gated by itself": lambda h: F.relu(h) * torch.sigmoid(h),
    "Hardtanh": nn.Hardtanh(),
    "Threshold(0.5, 0)": nn.Threshold(0.5, 0.0),
    "Threshold(0, 2)": nn.Threshold(0.0, 2.0),
    "Threshold(0, 2) in place": lambda h: F.threshold(h * 1, 0.0, 2.0, inplace=True),
    "clamp(min=0.5)": lambda h: h.clamp(min=0.5),
}
RELUS = {
    "a skip connection": lambda h: F.relu(h) + 0.5 * h - 0.5 * h,
    "twice the same": lambda h: 0.5 * F.relu(h) + 0.5 * F.relu(h),
    "scaled": lambda h: 3 * F.relu(h) / 3,
    "a ReLU of a ReLU's output": lambda h: F.relu(h) * (1 + F.relu(h)) / (1 + F.relu(h)),
    "shifted by a bias": lambda h: F.relu(h + torch.zeros(h.shape[1:])),
    "with a ceiling far above": nn.Hardtanh(0.0, 1e6),
}


def network(activation):
    return ReluNetwork(nn.ModuleList([activation] * 5) if isinstance(activation, nn.Module) else [activation] * 5)


@pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")  # the small network saturates behind some
@pytest.mark.parametrize("name", PARTS)
def test_activations_that_contain_a_relu_do_not_count(name):
    model = network(PARTS[name])
    for method in (saliency.GuidedBackprop, saliency.Deconvnet):
        with pytest.raises(saliency.ModelError, match="has no ReLU"):
            method(model, 2).GetMask(image()[0])
        allowed = method(model, 2).GetMask(image()[0], allow_no_relu=True)
        np.testing.assert_array_equal(allowed, saliency.Vanilla(model, 2).GetMask(image()[0]))


@pytest.mark.parametrize("name", RELUS)
@pytest.mark.parametrize("rule", ["guided", "rectified"])
def test_relus_in_other_company_count(name, rule):
    method = {"guided": saliency.GuidedBackprop, "rectified": saliency.Deconvnet}[rule]
    mask, expected = method(network(RELUS[name]), 2).GetMasks(image()), reference_gradient(rule)
    if name == "a ReLU of a ReLU's output":
        assert np.abs(mask - saliency.Vanilla(network(RELUS[name]), 2).GetMasks(image())).max() > 1e-3
    else:
        np.testing.assert_allclose(mask, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_the_error_names_the_parts():
    with pytest.raises(NoReLUError, match=r"ReluBackward0 \(part of another activation\)"):
        saliency.GuidedBackprop(network(PARTS["PReLU written out"]), 2).GetMask(image()[0])


@pytest.mark.parametrize("swish", [nn.Hardswish(), PARTS["hard swish written out"]])
def test_relus_beside_other_activations_are_modified_alone(swish):
    activations = [F.relu, swish, F.relu, swish, F.relu]
    exact = ReluNetwork([F.relu, nn.Hardswish(), F.relu, nn.Hardswish(), F.relu])
    mask = saliency.GuidedBackprop(ReluNetwork(activations), 2).GetMasks(image())
    np.testing.assert_allclose(mask, saliency.GuidedBackprop(exact, 2).GetMasks(image()), rtol=1e-4, atol=1e-6)


class Excitation(nn.Module):
    """A squeeze-and-excitation block with a ReLU inside."""

    def __init__(self, gate):
        super().__init__()
        self.down, self.up, self.gate = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1), gate

    def forward(self, x):
        return x * self.gate(self.up(F.relu(self.down(x.mean((2, 3), keepdim=True)))))


def excited(gate, activation):
    torch.manual_seed(0)
    parts = [nn.Conv2d(3, 8, 3), activation, Excitation(gate), nn.Conv2d(8, 8, 3), activation]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)).eval()


class WrittenHardSigmoid(nn.Module):
    def forward(self, x):
        return F.relu6(x + 3) / 6


@pytest.mark.parametrize("gate", [nn.Sigmoid(), nn.Hardsigmoid(), WrittenHardSigmoid()])
@pytest.mark.parametrize("method", [saliency.GuidedBackprop, saliency.Deconvnet])
def test_a_network_whose_relus_lie_in_gates_is_reported(gate, method, recwarn):
    x = torch.randn(3, 12, 12, generator=torch.Generator().manual_seed(0))
    with pytest.warns(saliency.GateWarning, match="squeeze-and-excitation"):
        method(excited(gate, nn.SiLU()), 1).GetMask(x)
    recwarn.clear()
    method(excited(gate, nn.ReLU()), 1).GetMask(x)
    method(excited(gate, nn.SiLU()), 1, allow_no_relu=True).GetMask(x)
    assert not recwarn.list

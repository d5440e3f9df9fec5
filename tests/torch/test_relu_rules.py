"""Guided and rectified backpropagation reach every ReLU, however it is written."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import saliency
from tests.torch.relu_networks import ReluNetwork, image, reference_gradient

MASKS = {"vanilla": saliency.Vanilla, "guided": saliency.GuidedBackprop, "rectified": saliency.Deconvnet}


class CustomReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * (x > 0)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * (ctx.saved_tensors[0] > 0)


def nested(h):
    return torch.nn.Sequential(torch.nn.Identity(), torch.nn.Sequential(torch.nn.ReLU()))(h)


def mixed():
    return [F.relu, torch.relu, lambda h: h.relu_(), lambda h: h.clamp(min=0), nested]


SPELLINGS = {
    "one module, used five times": lambda: torch.nn.ModuleList([torch.nn.ReLU()] * 5),
    "five modules": lambda: torch.nn.ModuleList([torch.nn.ReLU() for _ in range(5)]),
    "modules in place": lambda: torch.nn.ModuleList([torch.nn.ReLU(inplace=True) for _ in range(5)]),
    "one module in place": lambda: torch.nn.ModuleList([torch.nn.ReLU(inplace=True)] * 5),
    "F.relu": lambda: [F.relu] * 5,
    "F.relu in place": lambda: [lambda h: F.relu(h, inplace=True)] * 5,
    "F.relu_": lambda: [F.relu_] * 5,
    "torch.relu": lambda: [torch.relu] * 5,
    "torch.relu_": lambda: [torch.relu_] * 5,
    "torch.relu_(input=)": lambda: [lambda h: torch.relu_(input=h[:])] * 5,
    "x.relu()": lambda: [lambda h: h.relu()] * 5,
    "x.relu_()": lambda: [lambda h: h.relu_()] * 5,
    "in place on a view": lambda: [lambda h: h.view(h.shape).relu_()] * 5,
    "module in place on a view": lambda: [lambda h: torch.nn.ReLU(inplace=True)(h[:])] * 5,
    "threshold in place on a view": lambda: [lambda h: F.threshold(h[:], 0.0, 0.0, inplace=True)] * 5,
    "clamp in place on a view": lambda: [lambda h: h[:].clamp_(min=0)] * 5,
    "clamp(min=0)": lambda: [lambda h: h.clamp(min=0)] * 5,
    "clamp(min=tensor)": lambda: [lambda h: h.clamp(min=torch.zeros(()))] * 5,
    "clamp_min": lambda: [lambda h: h.clamp_min(0.0)] * 5,
    "torch.clip": lambda: [lambda h: torch.clip(h, 0)] * 5,
    "threshold": lambda: [lambda h: F.threshold(h, 0.0, 0.0)] * 5,
    "leaky with slope 0": lambda: [lambda h: F.leaky_relu(h, 0.0)] * 5,
    "maximum": lambda: [lambda h: torch.maximum(h, torch.zeros(()))] * 5,
    "maximum, turned round": lambda: [lambda h: torch.maximum(torch.zeros(1), h)] * 5,
    "fmax": lambda: [lambda h: torch.fmax(h, torch.zeros(()))] * 5,
    "sub-modules": lambda: [nested] * 5,
    "checkpoint": lambda: [lambda h: checkpoint(F.relu, h, use_reentrant=False)] * 5,
    "all mixed": mixed,
}
RELU6_SPELLINGS = {
    "ReLU6 modules": lambda: torch.nn.ModuleList([torch.nn.ReLU6() for _ in range(5)]),
    "ReLU6 in place": lambda: torch.nn.ModuleList([torch.nn.ReLU6(inplace=True)] * 5),
    "F.relu6": lambda: [F.relu6] * 5,
    "relu6 in place on a view": lambda: [lambda h: F.relu6(h[:], inplace=True)] * 5,
    "Hardtanh(0, 6)": lambda: torch.nn.ModuleList([torch.nn.Hardtanh(0.0, 6.0)] * 5),
    "clamp(0, 6)": lambda: [lambda h: h.clamp(0, 6)] * 5,
}


def masks(model, rule, **options):
    return MASKS[rule](model, 2, **options).GetMasks(image())


def close(mask, expected):
    return np.abs(mask - expected).max() <= 1e-5 * np.abs(expected).max()


def test_each_relu_of_the_test_network_matters():
    for rule in ("guided", "rectified"):
        whole = reference_gradient(rule)
        assert not close(reference_gradient("vanilla"), whole)
        for i in range(5):
            assert not close(reference_gradient(rule, rules=[j != i for j in range(5)]), whole), (
                f"ReLU {i} makes no difference"
            )


@pytest.mark.parametrize("rule", MASKS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_equals_the_definition(rule, spelling):
    assert close(masks(ReluNetwork(SPELLINGS[spelling]()), rule), reference_gradient(rule))


@pytest.mark.parametrize("rule", MASKS)
@pytest.mark.parametrize("spelling", RELU6_SPELLINGS)
def test_relu6_equals_the_definition(rule, spelling):
    assert close(masks(ReluNetwork(RELU6_SPELLINGS[spelling]()), rule), reference_gradient(rule, ceiling=6.0))


@pytest.mark.parametrize("rule", MASKS)
def test_compiled_exported_and_traced_models(rule):
    model = ReluNetwork(mixed()).eval()
    assert close(masks(torch.compile(model, backend="aot_eager"), rule), reference_gradient(rule))
    assert close(masks(torch.export.export(model, (image(),)), rule), reference_gradient(rule))
    with pytest.warns((torch.jit.TracerWarning, DeprecationWarning)):
        traced = torch.jit.trace(model, image())
    for _ in range(3):  # it is optimized after the second call
        traced(image())
    assert close(masks(traced, rule), reference_gradient(rule))


def test_in_place_relus_of_views_in_exported_and_traced_models():
    model = ReluNetwork([F.relu, F.relu, lambda h: h.view(h.shape).relu_(), F.relu, F.relu]).eval()
    exported = torch.export.export(model, (image(),))
    assert close(masks(exported, "guided"), reference_gradient("guided"))
    with pytest.warns((torch.jit.TracerWarning, DeprecationWarning)):
        traced = torch.jit.trace(model, image())
    with pytest.raises(saliency.ModelError, match="CopySlices.*in place on a view"):
        masks(traced, "guided")
    assert close(masks(traced, "vanilla"), reference_gradient("vanilla"))


def test_custom_relu_named_by_the_user():
    model = ReluNetwork([CustomReLU.apply] * 5)
    with pytest.raises(saliency.ModelError, match=r"no ReLU.*CustomReLUBackward.*relu_nodes"):
        masks(model, "guided")
    adapter = saliency.wrap(model, relu_nodes=["CustomReLUBackward"])
    assert close(masks(adapter, "guided"), reference_gradient("guided"))


def test_error_for_no_relu_unless_allowed():
    model = ReluNetwork([torch.tanh] * 5)
    for mask in (saliency.GuidedBackprop, saliency.Deconvnet):
        with pytest.raises(saliency.ModelError, match="no ReLU.*TanhBackward0.*allow_no_relu=True"):
            mask(model, 2).GetMask(image()[0])
        allowed = mask(model, 2).GetMask(image()[0], allow_no_relu=True)
        assert np.array_equal(allowed, saliency.Vanilla(model, 2).GetMask(image()[0]))


@pytest.mark.parametrize(
    "spelling",
    [
        lambda h: F.leaky_relu(h, 0.1), lambda h: h.clamp(min=0.5), lambda h: h.clamp(max=3), lambda h: F.hardtanh(h),
        lambda h: F.threshold(h, 0.5, 0.0), lambda h: torch.maximum(h, -h), lambda h: torch.maximum(h, torch.ones(())),
    ],
)  # fmt: skip
def test_other_activations_are_not_relus(spelling):
    with pytest.raises(saliency.ModelError, match="no ReLU"):
        masks(ReluNetwork([spelling] * 5), "guided")


def test_relu_of_weights_does_not_count():
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.ones(98, 3))

        def forward(self, x):
            return torch.tanh(x.flatten(1)) @ torch.relu(self.w)

    with pytest.raises(saliency.ModelError, match="no ReLU"):
        masks(Model(), "guided")


@pytest.mark.parametrize("rule", ["guided", "rectified"])
def test_scripted_model_that_is_optimized_already(rule):
    class Model(torch.nn.Module):
        def forward(self, x):
            return torch.relu(x.flatten(1) * 2 - 1).relu() * 3 - x.flatten(1)

    with pytest.warns(DeprecationWarning):
        script = torch.jit.script(Model())
    for _ in range(3):
        script(image().requires_grad_())
    np.testing.assert_array_equal(masks(script, rule), masks(Model(), rule))


def test_error_for_reentrant_checkpoints():
    model = ReluNetwork([lambda h: checkpoint(F.relu, h, use_reentrant=True)] * 5)
    with pytest.raises(saliency.ModelError, match="reentrant"):
        masks(model, "guided")

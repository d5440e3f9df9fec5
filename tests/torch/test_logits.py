"""Logits are found before a final softmax or sigmoid."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import saliency
from saliency import GuidedBackprop, Vanilla
from saliency.core.adapter_request import Request
from saliency.core.target import Target
from tests.torch.small_network import FunctionModule, X, autograd_gradient, small_network

FINAL_ACTIVATIONS = {
    "Softmax": torch.nn.Softmax(1),
    "LogSoftmax": torch.nn.LogSoftmax(1),
    "Sigmoid": torch.nn.Sigmoid(),
    "F.softmax": lambda z: F.softmax(z, -1),
    "torch.sigmoid": torch.sigmoid,
    "softmax, then reshaped and cast": lambda z: z.view(-1, 5, 1, 1).softmax(1).squeeze(-1).flatten(1).double().float(),
}


@pytest.mark.parametrize("head", FINAL_ACTIVATIONS)
def test_logit_before_a_softmax_or_sigmoid(head):
    logits = autograd_gradient(small_network(), 2)
    model = small_network(FunctionModule(FINAL_ACTIVATIONS[head]))
    probabilities = autograd_gradient(model, 2)
    assert np.abs(logits - probabilities).max() > 0.1 * np.abs(logits).max()
    for mask in (Vanilla(model, 2), Vanilla(saliency.wrap(torch.export.export(model, (torch.tensor(X),))), 2)):
        for _ in range(2):
            np.testing.assert_allclose(mask.GetMasks(X), logits, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(Vanilla(model, 2, logits=False).GetMasks(X), probabilities)
    np.testing.assert_array_equal(Vanilla(model, lambda out: out[:, 2]).GetMasks(X), probabilities)
    guided = GuidedBackprop(small_network(), 2).GetMasks(X)
    np.testing.assert_allclose(GuidedBackprop(model, 2).GetMasks(X), guided, rtol=1e-4, atol=1e-6)


def test_error_for_overwritten_logits():
    model = small_network(FunctionModule(lambda z: (z * 1).sigmoid_()))
    with pytest.raises(saliency.ModelError, match=r"in place.*logits=False"):
        Vanilla(model, 2).GetMask(X[0])
    np.testing.assert_array_equal(Vanilla(model, 2, logits=False).GetMasks(X), autograd_gradient(model, 2))


RESHAPED = {
    "squeeze of two axes": lambda z: z.view(-1, 5, 1, 1).softmax(1).squeeze((2, 3)),
    "channels last": lambda z: z.view(-1, 5, 1, 1).permute(0, 2, 3, 1).softmax(-1).permute(0, 3, 1, 2),
    "transposed": lambda z: z.t().softmax(0).t(),
    "moved": lambda z: z.softmax(1).movedim(0, 1).movedim(1, 0),
    "a part of it": lambda z: z.softmax(1)[:, 1:4],
}


@pytest.mark.parametrize("head", RESHAPED)
def test_logits_through_reshapes_and_slices(head):
    y = 1 if head == "a part of it" else 2  # the part begins at class 1
    logits = autograd_gradient(small_network(), 2)
    np.testing.assert_allclose(
        Vanilla(small_network(FunctionModule(RESHAPED[head])), y).GetMasks(X), logits, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize(
    "head", [lambda z: z.softmax(1) * torch.arange(5.0), lambda z: z.softmax(1).clamp(1e-7, 1), lambda z: z.softmax(1).log(),
             lambda z: torch.cat([z[:, :3].sigmoid(), z[:, 3:].sigmoid()], 1)],
)  # fmt: skip
def test_warning_for_arithmetic_after_a_softmax(head):
    model = small_network(FunctionModule(head))
    with pytest.warns(saliency.LogitWarning, match="logits=False"):
        mask = Vanilla(model, 2).GetMasks(X)
    np.testing.assert_array_equal(mask, autograd_gradient(model, 2))
    np.testing.assert_array_equal(Vanilla(model, 2, logits=False).GetMasks(X), mask)


@pytest.mark.parametrize(
    "head", [lambda z: z.softmax(1).clamp(1e-7, 1), lambda z: z.softmax(1).log()[:, :4], lambda z: 100 * z.softmax(1),
             lambda z: torch.cat([z[:, :3].sigmoid(), z[:, 3:].sigmoid()], 1)],
)  # fmt: skip
def test_warning_for_arithmetic_after_a_softmax_without_a_graph(head):
    mask = saliency.Occlusion(small_network(FunctionModule(head)), 2, size=8)
    with pytest.warns(saliency.LogitWarning, match="logits=False"):
        masks = mask.GetMasks(X)
    np.testing.assert_array_equal(
        saliency.Occlusion(small_network(FunctionModule(head)), 2, size=8, logits=False).GetMasks(X), masks
    )


def test_softmax_for_some_inputs_only():
    class Sometimes(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = small_network()

        def forward(self, x):
            return self.inner(x).softmax(1) if x[0, 0, 0, 0] < 0 else 100 * self.inner(x)

    adapter, x = saliency.wrap(Sometimes().eval()), torch.tensor(X)
    x[:, 0, 0, 0] = 1.0
    for _ in range(2):
        torch.testing.assert_close(adapter.outputs(x, Request(Target.of([2]))), 100 * adapter.model.inner(x))
        x = -x
        torch.testing.assert_close(adapter.outputs(x, Request(Target.of([2]))), adapter.model.inner(x))
        x = -x


@pytest.mark.parametrize("mask", [saliency.Vanilla, saliency.GradCAM, saliency.Occlusion])
def test_in_place_model_receives_the_same_input_again(mask):
    class InPlace(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = small_network(torch.nn.Softmax(1))

        def forward(self, x):
            return self.inner(x.mul_(2).sub_(0.5))

    options = {"size": 4} if mask is saliency.Occlusion else {}
    ours = mask(InPlace().eval(), 2)
    first = ours.GetMask(X[0], **options)
    np.testing.assert_array_equal(ours.GetMask(X[0], **options), first)


def test_sigmoid_gate_is_not_the_final_activation():
    gated = small_network(FunctionModule(lambda z: z * (2 * z.mean(1, keepdim=True).sigmoid())))
    saliency.Occlusion(gated, 2, size=8).GetMasks(X)  # a warning would be an error


class CustomSoftmax(torch.autograd.Function):
    """A softmax whose graph does not contain its logits."""

    @staticmethod
    def forward(ctx, z):
        output = z.softmax(1)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx, gradient):
        (output,) = ctx.saved_tensors
        return output * (gradient - (gradient * output).sum(1, keepdim=True))


def test_all_methods_explain_the_output_of_a_custom_softmax():
    model = small_network(FunctionModule(CustomSoftmax.apply))
    start, end = (model(torch.tensor(x[None]))[0, 2].item() for x in (0 * X[0], X[0]))
    assert float(Vanilla(model, 2).GetMask(X[0]).details["score"]) == pytest.approx(end)
    assert float(saliency.Occlusion(model, 2).GetMask(X[0], size=4).details["score"]) == pytest.approx(end)
    mask = saliency.IntegratedGradients(model, 2).GetMask(X[0], x_steps=200, details=True)
    assert float(mask.details["change"]) == pytest.approx(end - start, rel=1e-4)
    assert mask.sum() == pytest.approx(end - start, abs=0.01 * abs(end - start) + 1e-4)


def test_softmax_of_attention_is_not_the_final_activation():
    class Attention(torch.nn.Module):
        def forward(self, x):
            tokens = x.flatten(2).transpose(1, 2)  # (N, 64, 3)
            for _ in range(3):
                tokens = (tokens @ tokens.transpose(1, 2)).softmax(-1) @ tokens
            return tokens.mean(1)

    model = Attention()
    np.testing.assert_allclose(Vanilla(model, 2).GetMasks(X), autograd_gradient(model, 2), rtol=1e-4, atol=1e-7)
    Vanilla(model).GetMask(X[0])


def test_outputs_are_logits_on_request():
    from saliency.core.target import Target

    adapter, x = saliency.wrap(small_network(torch.nn.Softmax(1))), torch.tensor(X)
    logits = small_network()(x)
    torch.testing.assert_close(adapter.outputs(x, Request(Target())), logits)
    torch.testing.assert_close(adapter.outputs(x, Request(Target(logits=False))), logits.softmax(1))

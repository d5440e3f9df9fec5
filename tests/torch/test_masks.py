"""Masks on Torch: integrated gradients of other libraries, shared inputs, modifiers and callables."""

import numpy as np
import pytest
import torch

import saliency
from tests.torch.test_captum import REAL, captum, channels_last, demo, squeezenet

SOURCES = [
    demo,
    pytest.param(
        squeezenet, marks=pytest.mark.skipif(not REAL.exists(), reason="the weights of SqueezeNet are not available")
    ),
]


def reduced(x, classes):
    """Return two inputs of at most 112 pixels, and their classes."""
    step = x.shape[-1] // 96
    return np.ascontiguousarray(x[:2, :, ::step, ::step]), classes[:2]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("rule", "theirs"),
    [("gauss-legendre", "gausslegendre"), ("midpoint", "riemann_middle"), ("trapezoid", "riemann_trapezoid")],
)
def test_integrated_gradients_equal_captum(source, rule, theirs):
    network, x, classes = source()  # in double precision: in single, two points that differ by rounding switch other ReLUs
    x, classes = reduced(x, classes)
    model, inputs = network.model.double(), torch.tensor(x, dtype=torch.float64)
    found = captum.IntegratedGradients(model).attribute(
        inputs, target=classes, n_steps=4, method=theirs, internal_batch_size=6
    )
    expected = found.numpy() * (4 / 3 if rule == "trapezoid" else 1)  # Captum's weights sum to 3/4 there
    mask = saliency.IntegratedGradients(model).GetMasks(x, classes, x_steps=4, rule=rule)
    assert np.abs(mask - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("source", SOURCES)
def test_integrated_gradients_equal_captum_in_single_precision(source):
    network, x, classes = source()
    x, classes = reduced(x, classes)
    expected = captum.IntegratedGradients(network.model).attribute(
        channels_last(x), target=classes, n_steps=10, internal_batch_size=6
    )
    mask = saliency.IntegratedGradients(network.model).GetMasks(x, classes, x_steps=10)
    assert np.abs(mask - expected.numpy()).max() <= 1e-5 * expected.abs().max()


@pytest.mark.parametrize("method", [saliency.Vanilla, saliency.GuidedBackprop, saliency.GradCAM, saliency.GuidedGradCAM])
def test_several_targets_of_one_input_equal_one_at_a_time(method):
    network, x, _ = demo()
    ys = [3, 8, [1, 2], 0]
    mask = method(network.model)
    passes = []
    network.model.register_forward_pre_hook(lambda module, inputs: passes.append(len(inputs[0])))
    together = mask.GetMasks([x[0]] * 4, ys)
    forwards = len(passes)
    alone = np.stack([np.asarray(mask.GetMask(x[0])) if y is None else np.asarray(mask.GetMasks(x[:1], [y])[0]) for y in ys])
    np.testing.assert_allclose(together, alone, atol=2e-6 * np.abs(alone).max())
    assert len({mask.tobytes() for mask in together}) == 4
    assert set(passes) == {1} and forwards <= 3  # one a gradient, and one that looks for the layer


def test_modifiers_receive_tensors():
    network, x, _ = demo()
    plain = saliency.Vanilla(network.model, 3).GetMask(x[0])
    mask = saliency.Vanilla(network.model, 3, modifier=lambda g: g.relu().sqrt()).GetMask(x[0])
    np.testing.assert_allclose(mask, np.sqrt(np.maximum(plain, 0)), rtol=1e-6)
    np.testing.assert_allclose(
        saliency.Vanilla(network.model, 3, modifier="maintain").GetMask(x[0]), 1 / (np.abs(plain) + 1e-7), rtol=1e-5
    )


@pytest.mark.parametrize("method", [saliency.Vanilla, saliency.IntegratedGradients])
def test_expanded_gradient(method):
    class Sum(torch.nn.Module):
        def forward(self, x):
            return x.sum((1, 2, 3))

    x = np.random.default_rng(0).random((3, 4, 4))
    mask = method(Sum(), 0)
    expected = np.ones_like(x) if method is saliency.Vanilla else x
    np.testing.assert_allclose(mask.GetMask(x), expected, rtol=1e-6)
    assert np.isfinite(mask.GetSmoothedMask(x, seed=0)).all()


def test_looking_for_logits_does_not_load_torchs_compiler(fresh_process):
    assert "torch._dynamo" not in fresh_process("torch").steps["logits"]


def test_looking_for_logits_in_a_compiled_model():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 4), torch.nn.Softmax(dim=1)).eval()
    x = np.random.default_rng(0).random((3, 2, 2))
    expected = saliency.Occlusion(model[:2], 1).GetMask(x, size=1)
    compiled = torch.compile(model, backend="aot_eager")
    compiled(torch.zeros(1, 3, 2, 2))
    np.testing.assert_allclose(saliency.Occlusion(compiled, 1).GetMask(x, size=1), expected, rtol=1e-5, atol=1e-6)


def test_callable_that_returns_numpy_needs_a_method_without_gradients():
    network, x, _ = demo()

    def third(outputs):
        return outputs.detach().numpy()[:, 3]

    for method in (saliency.Vanilla, saliency.GradCAM):
        with pytest.raises(saliency.TargetError, match="`y` must return a torch.Tensor, .* it returned a ndarray"):
            method(network.model, third).GetMask(x[0])
    options = {"size": 32, "stride": 32}
    expected = saliency.Occlusion(network.model, 3).GetMask(x[0], **options)
    np.testing.assert_array_equal(saliency.Occlusion(network.model, third).GetMask(x[0], **options), expected)


def test_a_single_number_as_input():
    class Square(torch.nn.Module):
        def forward(self, x):
            return (x * x)[:, None]

    assert saliency.Vanilla(Square(), 0).GetMask(3.0) == 6

"""Batch norms as products: equal to Torch's, only where nothing else depends on them, and with every gradient of the input."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import saliency
from saliency.torch import channels_last_weights
from saliency.torch.batch_norm_product import batch_norm_as_product

RANDOM = torch.Generator().manual_seed(0)
X = np.random.default_rng(0).normal(size=(5, 3, 64, 64)).astype(np.float32)


def images(*shape):
    return torch.randn(*shape, generator=RANDOM).contiguous(memory_format=torch.channels_last)


def statistics():
    return torch.randn(6, generator=RANDOM), torch.rand(6, generator=RANDOM) + 0.01


def network():
    torch.manual_seed(1)
    layers = [nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Conv2d(6, 6, 3, bias=False)]
    model = nn.Sequential(*layers, nn.BatchNorm2d(6, affine=False), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.1, 2)
    return model.eval()


@pytest.fixture
def replaced(monkeypatch):
    """The results of the function in the masks' passes."""
    results = []

    def record(*args, **kwargs):
        results.append(batch_norm_as_product(*args, **kwargs))
        return results[-1]

    monkeypatch.setattr(channels_last_weights, "batch_norm_as_product", record)
    return results


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("affine", [False, True])
def test_values_and_gradients_equal_torch_s(n, affine):
    options = {"weight": nn.Parameter(images(6, 1, 1, 1)[:, 0, 0, 0]), "bias": torch.randn(6)} if affine else {}
    arguments, gradient = (images(n, 6, 9, 8).requires_grad_(), *statistics()), images(n, 6, 9, 8)
    found, expected = batch_norm_as_product(*arguments, **options), functional.batch_norm(*arguments, **options)
    torch.testing.assert_close(found, expected)
    ours, torchs = (torch.autograd.grad(one, arguments[0], gradient)[0] for one in (found, expected))
    torch.testing.assert_close(ours, torchs)
    assert ours.is_contiguous(memory_format=torch.channels_last)


def test_everything_else_is_left_to_torch():
    x, (mean, var) = images(2, 6, 9, 8), statistics()
    assert batch_norm_as_product(x, None, None, training=True) is None
    assert batch_norm_as_product(x, mean, var, training=True) is None
    assert batch_norm_as_product(x.contiguous(), mean, var) is None
    assert batch_norm_as_product(x[:1].expand(2, -1, -1, -1), mean, var) is None  # the rows share their memory
    assert batch_norm_as_product(x.double(), mean.double(), var.double()) is None
    assert batch_norm_as_product(x.to("meta"), mean, var) is None
    assert batch_norm_as_product(x[..., 0], mean, var) is None
    assert batch_norm_as_product(x, mean, var, weight=var.clone().requires_grad_()) is None


def test_runs_replace_the_batch_norms_of_every_pass_but_the_first(replaced):
    model = network()
    method = saliency.IntegratedGradients(model, 2, batch_size=2)
    method.GetMask(X[0], x_steps=8)  # the first run has a pass more, which finds that the samples are independent
    replaced.clear()
    mask = method.GetMask(X[0], x_steps=8)
    assert len(replaced) == 6 and all(one is not None for one in replaced)
    points, weights = np.polynomial.legendre.leggauss(8)
    batch = torch.from_numpy(np.stack([X[0] * (1 + point) / 2 for point in points]).astype(np.float32)).requires_grad_()
    (gradients,) = torch.autograd.grad(model(batch)[:, 2].sum(), batch)
    expected = (gradients * torch.from_numpy(weights / 2)[:, None, None, None]).sum(0).numpy() * X[0]
    np.testing.assert_allclose(mask, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_other_computations_keep_the_batch_norms(replaced):
    model, options = network(), {"batch_size": 2}
    saliency.GuidedBackprop(model, 2, **options).GetMasks(X)
    saliency.LRP(model, 2, **options).GetMasks(X)
    saliency.DeepLIFT(model, 2, **options).GetMasks(X)
    saliency.RISE(model, 2, **options).GetMask(X[0], nmasks=8, seed=0)
    saliency.GradCAM(model, 2, layer=model[5], **options).GetMasks(X)
    assert not replaced


def test_several_targets_still_share_a_pass(replaced):
    model = network()
    method, options = saliency.Vanilla(model, batch_size=4), {"nsamples": 3, "seed": 0}
    method.GetSmoothedMasks([X[0]] * 3, y=[0, 1, 2], **options)  # the first run compares scores with those of a plain pass
    replaced.clear()
    masks = method.GetSmoothedMasks([X[0]] * 3, y=[0, 1, 2], **options)
    assert replaced == [None] * 4 and set(method.adapter._forward.repeats.values()) == {True}
    for y, mask in enumerate(masks):
        alone = saliency.Vanilla(model, y, batch_size=1).GetSmoothedMask(X[0], nsamples=3, seed=0)
        np.testing.assert_allclose(mask, alone, rtol=1e-4, atol=1e-5 * np.abs(alone).max())


class Conditional(nn.Module):
    """A batch norm whose weight depends on the image."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6, affine=False)

    def forward(self, x):
        weight, hidden = x.mean((0, 2, 3)).repeat(2), self.conv(x)
        hidden = functional.batch_norm(hidden, self.norm.running_mean, self.norm.running_var, weight)
        return hidden.square().mean((2, 3))


def test_a_weight_that_depends_on_the_input_keeps_its_gradient(replaced):
    torch.manual_seed(2)
    model = Conditional().eval()
    mask = saliency.GuidedIG(model, 1).GetMask(X[0] + 1, x_steps=4, max_dist=0)
    total, x = 0.0, torch.from_numpy(X[0] + 1)
    for step in range(4):
        point = (x * step / 4)[None].requires_grad_()
        total = total + torch.autograd.grad(model(point)[0, 1], point)[0][0] * x / 4
    assert replaced == [None] * 3
    np.testing.assert_allclose(mask, total, rtol=1e-4, atol=1e-5 * float(total.abs().max()))

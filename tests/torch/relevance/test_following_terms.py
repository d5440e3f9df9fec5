"""LRP through batch norms and biases that are written out as elementary operations."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from tests.torch.relevance.test_operations import Function, X, relevance


def normalized(written, kind):
    """Return a function of one linear layer with a batch norm behind it: one operator, or written out by elementary ones."""

    def call(net, x):
        one, norm = net.one, net.norm
        h = one(x.flatten(1) if kind == "linear" else x)
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        if not written:
            return norm(h).relu()
        if kind == "channels last":  # as Keras on Torch
            h = h.permute(0, 2, 1).contiguous()
            return h.sub(norm.running_mean).mul_(scale).add_(norm.bias).permute(0, -1, 1).relu()
        shape = (-1, 1) if h.ndim == 3 else (-1,)
        if kind == "quotient":
            divisor = (norm.running_var + norm.eps).sqrt().reshape(shape)
            return (
                (h - norm.running_mean.reshape(shape)) / divisor * norm.weight.reshape(shape) + norm.bias.reshape(shape)
            ).relu()
        return (h * scale.reshape(shape) + (norm.bias - norm.running_mean * scale).reshape(shape)).relu()

    return call


NORMALIZED = {
    "channels first": lambda: nn.Conv1d(6, 4, 3),
    "channels last": lambda: nn.Conv1d(6, 4, 3, bias=False),
    "quotient": lambda: nn.Conv1d(6, 4, 3, groups=2),
    "transposed": lambda: nn.ConvTranspose1d(6, 4, 3, stride=2),
    "linear": lambda: nn.Linear(48, 4),
}


def random_norm():
    norm = nn.BatchNorm1d(4).eval()
    nn.init.uniform_(norm.running_var, 0.5, 2), nn.init.normal_(norm.running_mean), nn.init.normal_(norm.bias)
    nn.init.normal_(norm.weight)
    return norm


@pytest.mark.parametrize("kind", NORMALIZED)
def test_a_batch_norm_that_is_written_out_is_a_part_of_the_layer(kind):
    layers, rule = {"one": NORMALIZED[kind], "norm": random_norm}, {"convolution": "alpha2-beta1", "linear": "gamma"}
    expected, found = (relevance(normalized(written, kind), rule, **layers)[1] for written in (False, True))
    np.testing.assert_allclose(found, expected, atol=1e-6 * abs(expected).max())
    alone = saliency.LRP(Function(normalized(True, kind), **layers), lambda out: out.flatten(1).sum(1), rule=rule, epsilon=0)
    np.testing.assert_allclose(alone.GetMask(X[1]), found[1], atol=1e-9)  # a batch of one has the same


def test_a_scale_without_a_term_and_terms_that_differ_within_a_channel_are_no_part_of_the_layer():
    layers, rule = {"one": lambda: nn.Conv1d(6, 4, 3)}, {"convolution": "plus"}
    plain = relevance(lambda net, x: net.one(x), rule, **layers)[1]
    for behind in (lambda h: h * -2, lambda h: h * -2 + torch.arange(6.0)):
        found = relevance(lambda net, x, behind=behind: behind(net.one(x)), rule, **layers)[1]
        np.testing.assert_allclose(found, -2 * plain, atol=1e-9)


EINSUMS = {
    "nct,oc->not": (4, 6), "oc,nct->not": (4, 6), "ntc,oc->not": (4, 8), "oc,ntc->not": (4, 8), "nct,co->nto": (6, 4),
    "co,nct->nto": (6, 4),
}  # fmt: skip


@pytest.mark.parametrize("rule", ["gamma", "alpha2-beta1"])
@pytest.mark.parametrize("equation", EINSUMS)
def test_the_number_of_inputs_decides_nothing(equation, rule):
    """Torch computes these products in another order for one input than for several: the weights are the left factor then."""
    generator = torch.Generator().manual_seed(2)
    weight, scale, shift = (
        torch.randn(shape, generator=generator, dtype=torch.float64) for shape in (EINSUMS[equation], 4, 4)
    )

    def layer(x):
        y = torch.einsum(equation, *((weight, x) if equation[0] != "n" else (x, weight)))
        y = y if equation.endswith("not") else y.transpose(1, 2)
        return (y[..., None] * scale.reshape(1, 4, 1, 1) + shift.reshape(1, 4, 1, 1)).relu()

    def one_operator(net, x):
        x = x if "nct" in equation else x.transpose(1, 2)
        return net.one(x).relu()

    def same_layer():
        one = nn.Conv1d(6 if "nct" in equation else 8, 4, 1).double()
        matrix = weight if "oc" in equation else weight.T
        with torch.no_grad():
            one.weight.copy_((matrix * scale[:, None])[..., None]), one.bias.copy_(shift)
        return one

    options = {"rule": {"convolution": rule, "linear": rule}, "epsilon": 0}
    mask = saliency.LRP(Function(lambda net, x: layer(x)), lambda out: out.flatten(1).sum(1), **options)
    expected = saliency.LRP(Function(one_operator, one=same_layer), lambda out: out.flatten(1).sum(1), **options).GetMasks(X)
    np.testing.assert_allclose(mask.GetMasks(X), expected, atol=1e-9)
    np.testing.assert_allclose(np.stack([mask.GetMask(x) for x in X]), expected, atol=1e-9)


@pytest.mark.parametrize("kind", ["linear", "channels first"])
def test_constants_that_the_model_expands_to_its_inputs_are_those_of_channels(kind):
    """For one input, the expanded constants may have as many numbers as there are channels; for several, they have more."""

    def call(net, x):
        h = net.one(x.flatten(1) if kind == "linear" else x)
        h = h if h.ndim == 3 else h[..., None]
        scale = net.norm.weight / (net.norm.running_var + net.norm.eps).sqrt()
        shift = net.norm.bias - net.norm.running_mean * scale
        scale, shift = (values.reshape(1, 4, 1).expand_as(h) for values in (scale, shift))
        return (h * scale + shift).relu().squeeze(-1)

    layers, rule = {"one": NORMALIZED[kind], "norm": random_norm}, {"convolution": "alpha2-beta1", "linear": "gamma"}
    expected = relevance(normalized(False, kind), rule, **layers)[1]
    mask = saliency.LRP(Function(call, **layers), lambda out: out.flatten(1).sum(1), rule=rule, epsilon=0)
    np.testing.assert_allclose(mask.GetMasks(X), expected, atol=1e-6 * abs(expected).max())
    np.testing.assert_allclose(mask.GetMask(X[1]), expected[1], atol=1e-6 * abs(expected).max())


def test_a_product_with_a_vector_and_its_bias():
    """Only a single input can be a vector."""

    def of_vector(net, x):
        return (net.one.weight @ x[0].flatten() + net.one.bias.detach()).relu()[None]

    def of_matrix(net, x):
        return net.one(x.flatten(1)).relu()

    options = {"rule": {"linear": "alpha2-beta1"}}
    found, expected = (
        saliency.LRP(Function(call, one=lambda: nn.Linear(48, 4)), lambda out: out.sum(1), **options).GetMask(X[0])
        for call in (of_vector, of_matrix)
    )
    np.testing.assert_allclose(found, expected, atol=1e-9)

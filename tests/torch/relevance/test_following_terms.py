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

"""Transformers whose last layer is computed only for the tokens that the score reads."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

import saliency
from saliency.nets.demo_vit import DemoViT

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3, 16, 16))


class Attention(nn.Module):
    """Self-attention by the module of Torch, with the tokens or the samples first."""

    def __init__(self, batch_first):
        super().__init__()
        self.inner, self.batch_first = nn.MultiheadAttention(12, 3, batch_first=batch_first), batch_first

    def forward(self, x):
        x = x if self.batch_first else x.transpose(0, 1)
        x = self.inner(x, x, x, need_weights=False)[0]
        return x if self.batch_first else x.transpose(0, 1)


class Fused(nn.Module):
    """Self-attention as in timm: one projection, then the operator of Torch."""

    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(12, 36), nn.Linear(12, 12)

    def forward(self, x):
        q, k, v = self.qkv(x).reshape(*x.shape[:2], 3, 3, 4).permute(2, 0, 3, 1, 4).unbind(0)
        x = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)
        return self.out(x)


class Biased(Fused):
    """Fused self-attention with a bias for each pair of tokens, as in BEiT."""

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.randn(3, 17, 17))

    def forward(self, x):
        q, k, v = self.qkv(x).reshape(*x.shape[:2], 3, 3, 4).permute(2, 0, 3, 1, 4).unbind(0)
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=self.bias, dropout_p=0.0).transpose(1, 2).reshape(x.shape)
        return self.out(x)


class Transformer(nn.Module):
    def __init__(self, attention, read, change=lambda x: x):
        super().__init__()
        torch.manual_seed(0)
        self.patches, self.token = nn.Conv2d(3, 12, 4, stride=4), nn.Parameter(torch.randn(1, 1, 12))
        self.positions, self.attentions = nn.Parameter(torch.randn(1, 17, 12)), nn.ModuleList([attention(), attention()])
        self.norms, self.norm = nn.ModuleList([nn.LayerNorm(12) for _ in range(4)]), nn.LayerNorm(12)
        self.mlps = nn.ModuleList([nn.Sequential(nn.Linear(12, 20), nn.GELU(), nn.Dropout(), nn.Linear(20, 12)) for _ in "ab"])
        self.scale, self.end, self.read, self.change = nn.Parameter(torch.randn(12)), nn.Linear(12, 4), read, change

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1) + self.positions
        for i, (attention, mlp) in enumerate(zip(self.attentions, self.mlps, strict=True)):
            x = x + attention(self.norms[2 * i](x)) * self.scale
            x = self.change(x)
            x = x + mlp(self.norms[2 * i + 1](x))
        return self.end(self.read(self.norm(x)))


ATTENTIONS = [Fused, lambda: Attention(True), lambda: Attention(False)]


def expected(model, x, y):
    leaf = torch.tensor(x, requires_grad=True)
    return torch.autograd.grad(model(leaf)[:, y].sum(), leaf)[0].numpy()


def assert_exact(model, defers, rounds=3):
    mask = saliency.Vanilla(model, 1)
    reference = expected(model, X, 1)
    for _ in range(rounds):
        found = mask.GetMasks(X)
        np.testing.assert_allclose(found, reference, rtol=0, atol=1e-12 * np.abs(reference).max())
    assert mask.adapter._forward._class_token._pays == defers
    with torch.no_grad():
        scores = model(torch.tensor(X))[:, 1]
    occlusion = saliency.Occlusion(model, 1, size=8, stride=8).GetMasks(X)
    np.testing.assert_allclose(occlusion.details["score"], scores, rtol=1e-12)
    covered = X[0].copy()
    covered[:, 8:, 8:] = 0
    with torch.no_grad():
        drop = float(scores[0] - model(torch.tensor(covered[None]))[0, 1])
    np.testing.assert_allclose(occlusion[0, 0, -1, -1], drop, rtol=1e-9)


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize(
    "read", [lambda x: x[:, 0], lambda x: x[:, :2].sum(1), lambda x: x.select(1, -1), lambda x: x[:, 0, :]]
)
def test_models_that_read_some_tokens(attention, read):
    assert_exact(Transformer(attention, read).double().eval(), True)


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize(
    ("read", "defers"),
    [
        (lambda x: x.mean(1), False),
        (lambda x: x[:, 1:].mean(1), False),
        (lambda x: x[:, [0]].sum(1), False),
        (lambda x: x[:, 0] + x.sum(1), True),
    ],
)
def test_models_that_read_all_tokens_or_choose_them_otherwise(attention, read, defers):
    assert_exact(Transformer(attention, read).double().eval(), defers)


def test_attention_with_a_bias_is_computed_whole():
    assert_exact(Transformer(Biased, lambda x: x[:, 0]).double().eval(), False)


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize(
    "change", [lambda x: x.mul_(2), lambda x: x.detach().add_(1) + x, lambda x: x * x.amax((1, 2), keepdim=True)]
)
def test_models_that_change_tokens_in_place_or_read_their_values(attention, change):
    model = Transformer(attention, lambda x: x[:, 0], change).double().eval()
    mask = saliency.Vanilla(model, 1)
    reference = expected(model, X, 1)
    for _ in range(3):
        np.testing.assert_allclose(mask.GetMasks(X), reference, rtol=0, atol=1e-12 * np.abs(reference).max())


class Frozen(nn.Module):
    """Its last block has no graph, but what reads the tokens has one."""

    def __init__(self):
        super().__init__()
        self.body, self.end = Transformer(Fused, lambda x: x), nn.Linear(3 * 256, 4)
        self.body.end = nn.Identity()
        self.last = nn.Linear(12, 4)

    def forward(self, x):
        with torch.no_grad():
            tokens = self.body(x)
        return self.last(tokens[:, 0]) * x.mean((1, 2, 3))[:, None] + self.end(x.flatten(1))


def test_a_frozen_backbone_stays_without_a_graph():
    torch.manual_seed(0)
    model = Frozen().double().eval()
    mask, reference = saliency.Vanilla(model, 1), expected(model, X, 1)
    for _ in range(3):
        np.testing.assert_allclose(mask.GetMasks(X), reference, rtol=0, atol=1e-12 * np.abs(reference).max())


class KeepsTokens(Transformer):
    """It keeps its tokens, as models do for visualizations."""

    def forward(self, x):
        read, self.read = self.read, lambda x: x
        end, self.end = self.end, nn.Identity()
        try:
            self.tokens = super().forward(x)
        finally:
            self.read, self.end = read, end
        plain.append(type(self.tokens) is torch.Tensor)
        return self.end(self.tokens[:, 0])


plain = []


def test_a_model_that_keeps_its_tokens_gets_plain_ones():
    model = KeepsTokens(Fused, None).double().eval()
    mask, reference = saliency.Vanilla(model, 1), expected(model, X, 1)
    for _ in range(4):
        np.testing.assert_allclose(mask.GetMasks(X), reference, rtol=0, atol=1e-12 * np.abs(reference).max())
    assert plain[-1] and not mask.adapter._forward._class_token._pays


def test_hooks_receive_plain_tensors():
    model, kinds = Transformer(Fused, lambda x: x[:, 0]).double().eval(), []
    mask = saliency.Vanilla(model, 1)
    mask.GetMasks(X)
    model.norm.register_forward_hook(lambda module, args, output: kinds.append((type(output), len(output[0]))))
    mask.GetMasks(X)
    assert set(kinds) == {(torch.Tensor, 17)}


class GELUShapes(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.shapes = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.gelu.default:
            self.shapes.append(tuple(args[0].shape))
        return func(*args, **(kwargs or {}))


def test_the_demo_transformer_computes_one_token_behind_its_last_attention():
    torch.manual_seed(0)
    model = DemoViT().double().eval()
    x = RNG.normal(size=(1, 3, 96, 96))
    mask = saliency.Vanilla(model, 1)
    mask.GetMasks(x)
    with GELUShapes() as found:
        mask.GetMasks(x)
    assert found.shapes == [(1, 145, 128)] * 4 + [(1, 1, 128)]

"""Small vision transformers in many spellings of attention, which all compute the same function, and others that do not."""

import math

import torch
import torch.nn.functional as F
from torch import nn

WIDTH, HEADS, CLASSES = 12, 3, 5


def explicit(q, k, v):
    return (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).softmax(-1) @ v


def fused(q, k, v):
    return F.scaled_dot_product_attention(q, k, v)


def masked(q, k, v):
    """Attention under a mask that hides nothing, after dropout that is not active, and a cast."""
    logits = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1) + torch.zeros(q.shape[-2], q.shape[-2])
    weights = torch.softmax(logits.masked_fill(torch.zeros(1, 1, 1, q.shape[-2], dtype=torch.bool), -math.inf), dim=-1)
    return F.dropout(weights, 0.5, training=False).to(q.dtype).nan_to_num() @ v


def einsum(q, k, v):
    weights = torch.einsum("nhqd,nhkd->nhqk", q, k).mul(q.shape[-1] ** -0.5).softmax(3)
    return torch.einsum("nhqk,nhkd->nhqd", weights, v)


def heads_in_batch(q, k, v):
    """Attention over (N * heads, tokens, channels), as in nn.MultiheadAttention."""
    flat = [one.flatten(0, 1) for one in (q, k, v)]
    return (torch.baddbmm(torch.zeros(1), flat[0], flat[1].mT, alpha=q.shape[-1] ** -0.5).softmax(-1) @ flat[2]).view(q.shape)


def heads_first(q, k, v):
    """Attention over (heads * N, tokens, channels)."""
    q, k, v = (one.transpose(0, 1) for one in (q, k, v))
    return fused(*(one.reshape(1, -1, *one.shape[2:]) for one in (q, k, v))).view(q.shape).transpose(0, 1)


SPELLINGS = [explicit, fused, masked, einsum, heads_in_batch, heads_first]


class Block(nn.Module):
    def __init__(self, attention, kv_heads=HEADS):
        super().__init__()
        self.attention, self.kv_heads = attention, kv_heads
        self.norm, self.norm_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.q, self.kv = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2 * kv_heads * WIDTH // HEADS)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 20), nn.GELU(), nn.Linear(20, WIDTH))

    def forward(self, x):
        n, t, d = x.shape
        y = self.norm(x)
        q = self.q(y).view(n, t, HEADS, -1).transpose(1, 2)
        k, v = self.kv(y).view(n, t, 2, self.kv_heads, -1).permute(2, 0, 3, 1, 4)
        x = x + self.out(self.attention(q, k, v).transpose(1, 2).reshape(n, t, d))
        return x + self.mlp(self.norm_2(x))


class ViT(nn.Module):
    """A vision transformer of patches of 8 x 8.

    Args:
        attention: from queries, keys and values (N, heads, tokens, channels).
        extra: number of tokens in front of the patches.
        read: "class", "first two", "patches" or "all": the tokens of which the mean is classified.
        blocks: the blocks; two by default.
    """

    def __init__(self, attention=explicit, extra=1, read="class", blocks=None, kv_heads=HEADS):
        super().__init__()
        torch.manual_seed(0)
        self.patch, self.extra, self.read = nn.Conv2d(3, WIDTH, 8, 8), nn.Parameter(torch.randn(1, extra, WIDTH)), read
        self.place = nn.Parameter(torch.randn(1, extra + 12, WIDTH))
        self.blocks = nn.Sequential(*[Block(attention, kv_heads) for _ in range(2)]) if blocks is None else blocks
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES)
        for p in self.parameters():
            if p.ndim > 1:
                nn.init.normal_(p, std=0.4)
        self.eval()

    def forward(self, x):
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.extra.expand(len(x), -1, -1), tokens], 1)
        tokens = self.norm(self.blocks(tokens + self.place[:, : tokens.shape[1]]))
        front = self.extra.shape[1]
        read = {"class": slice(1), "first two": slice(2), "patches": slice(front, None), "all": slice(None)}[self.read]
        return self.head(tokens[:, read].mean(1))


def reference(model, x, y):
    """Return R of Chefer et al. and the rollout of a ViT with ``explicit`` attention, by their definitions on one input."""
    kept = []

    def recording(q, k, v):
        weights = (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).softmax(-1)
        kept.append(weights)
        return weights @ v

    spelled = [block.attention for block in model.blocks]
    for block in model.blocks:
        block.attention = recording
    gradients = torch.autograd.grad(model(torch.tensor(x, dtype=torch.float32)[None])[0, y], kept)
    for block, attention in zip(model.blocks, spelled, strict=True):
        block.attention = attention
    one = torch.eye(kept[0].shape[-1])
    relevance, rollout = one, one
    for weights, gradient in zip(kept, gradients, strict=True):
        relevance = relevance + (weights * gradient).clamp(min=0)[0].mean(0) @ relevance
        layer = (weights[0].mean(0) + one) / 2
        rollout = layer @ rollout
    return relevance.detach().numpy(), rollout.detach().numpy()

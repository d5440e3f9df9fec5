"""The default layer of attention that is not a matrix of positions by positions, and grids that padding or windows change."""

import numpy as np
import pytest
import torch
from torch import nn

from saliency import GradCAM
from tests.torch.nested_network import RNG


class Attention(nn.Module):
    """Patches and a class token, one attention block, and a head of the class token.

    Args:
        kind: linear (keys times values first, queries then) or class (the query is the class token).
    """

    def __init__(self, kind):
        super().__init__()
        self.kind, self.patch = kind, nn.Conv2d(3, 16, 8, 8)
        self.first = nn.Parameter(torch.randn(1, 1, 16))
        self.norm, self.query, self.key, self.value = nn.LayerNorm(16), nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 16)
        self.weights, self.project, self.head = nn.Identity(), nn.Linear(16, 16), nn.Linear(16, 5)

    def forward(self, x):
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.first.expand(len(x), -1, -1), tokens], 1)
        h = self.norm(tokens)
        split = (len(x), -1, 2, 8)  # two heads
        keys, values = (layer(h).reshape(split).transpose(1, 2) for layer in (self.key, self.value))
        if self.kind == "linear":
            queries = self.query(h).reshape(split).transpose(1, 2)
            mixed = queries @ (keys.softmax(2).transpose(2, 3) @ values)
        else:
            queries = self.query(h[:, :1]).reshape(split).transpose(1, 2)
            mixed = self.weights((queries @ keys.transpose(2, 3)).softmax(-1)) @ values
        return self.head((tokens[:, :1] + self.project(mixed.transpose(1, 2).flatten(2)))[:, 0])


@pytest.mark.parametrize("kind", ["linear", "class"])
def test_the_layer_before_queries_keys_and_values(kind):
    torch.manual_seed(0)
    mask = GradCAM(Attention(kind).eval(), 2).GetMask(RNG.normal(size=(3, 32, 48)).astype(np.float32), should_resize=False)
    assert mask.details["layer"] == "norm" and mask.details["grid"].tolist() == [4, 6] and mask.details["tokens_left_out"] == 1


def test_the_product_of_a_layer_with_itself_is_no_attention():
    class Bilinear(nn.Module):
        def __init__(self):
            super().__init__()
            self.before, self.last, self.head = nn.Conv2d(3, 8, 4, 4), nn.Conv2d(8, 4, 1), nn.Linear(16, 5)

        def forward(self, x):
            h = self.last(self.before(x).relu()).flatten(2)
            return self.head((h @ h.transpose(1, 2)).flatten(1))

    torch.manual_seed(0)
    mask = GradCAM(Bilinear().eval(), 2).GetMask(RNG.normal(size=(3, 16, 24)).astype(np.float32))
    assert mask.details["layer"] == "last" and mask.details["grid"].tolist() == [4, 6]


class Windows(nn.Module):
    """Windows of 2 x 2, padding at the right and below, and a convolution of stride 2."""

    def __init__(self):
        super().__init__()
        self.patch, self.inner, self.merge = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 8), nn.Conv2d(8, 8, 2, 2)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        h = self.patch(x).permute(0, 2, 3, 1)
        n, rows, columns, channels = h.shape
        h = nn.functional.pad(h, (0, 0, 0, columns % 2, 0, rows % 2))
        down, along = h.shape[1] // 2, h.shape[2] // 2
        h = self.inner(h.reshape(n, down, 2, along, 2, channels).transpose(2, 3).reshape(-1, 4, channels))
        h = h.reshape(n, down, along, 2, 2, channels).transpose(2, 3).reshape(n, 2 * down, 2 * along, channels)
        h = h[:, :rows, :columns].permute(0, 3, 1, 2)
        h = self.merge(nn.functional.pad(h, (0, columns % 2, 0, rows % 2)))
        return self.head(h.relu().mean((2, 3)))


@pytest.mark.parametrize(("height", "width"), [(16, 24), (16, 20), (20, 24), (20, 28)])
def test_padding_after_windows(height, width):
    torch.manual_seed(0)
    mask = GradCAM(Windows().eval(), 2).GetMask(RNG.normal(size=(3, height, width)).astype(np.float32))
    assert mask.details["layer"] == "merge" and mask.details["grid"].tolist() == [-(-height // 8), -(-width // 8)]


class Unfolded(nn.Module):
    """Patches from ``unfold`` that do not cover the last columns, and attention by products."""

    def __init__(self):
        super().__init__()
        self.embed, self.first = nn.Linear(48, 16), nn.Parameter(torch.randn(1, 1, 16))
        self.norm, self.qkv, self.last, self.head = nn.LayerNorm(16), nn.Linear(16, 48), nn.LayerNorm(16), nn.Linear(16, 5)

    def forward(self, x):
        tokens = self.embed(nn.functional.unfold(x, 4, stride=4).transpose(1, 2))
        tokens = torch.cat([self.first.expand(len(x), -1, -1), tokens], 1)
        queries, keys, values = self.qkv(self.norm(tokens)).chunk(3, -1)
        return self.head(self.last(tokens + (queries @ keys.transpose(1, 2)).softmax(-1) @ values).square().mean(1))


def test_attention_to_patches_that_leave_columns_out():
    torch.manual_seed(0)
    mask = GradCAM(Unfolded().eval(), 2).GetMask(RNG.normal(size=(3, 16, 26)).astype(np.float32), should_resize=False)
    assert mask.details["layer"] == "last" and mask.details["grid"].tolist() == [4, 6] and mask.details["tokens_left_out"] == 1


class Folded(nn.Module):
    """A layer on pixels that are sorted by their places in patches, as in MobileViT, and put back by ``fold``."""

    def __init__(self):
        super().__init__()
        self.patch, self.inner, self.conv, self.head = (
            nn.Conv2d(3, 8, 2, 2),
            nn.Linear(8, 8),
            nn.Conv2d(8, 8, 1),
            nn.Linear(8, 5),
        )

    def forward(self, x):
        h = self.patch(x)
        patches = nn.functional.unfold(h, 2, stride=2).reshape(len(x), 8, 4, -1)
        patches = self.inner(patches.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.head(self.conv(nn.functional.fold(patches.flatten(1, 2), h.shape[2:], 2, stride=2)).square().mean((2, 3)))


def test_patches_that_are_put_back():
    torch.manual_seed(0)
    mask = GradCAM(Folded().eval(), 2).GetMask(RNG.normal(size=(3, 16, 24)).astype(np.float32), should_resize=False)
    assert mask.details["layer"] == "conv" and mask.details["grid"].tolist() == [8, 12]

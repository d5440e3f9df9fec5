"""Layers whose positions change between passes, cover a part of the input only, or lie inside attention."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency

X = np.random.default_rng(0).normal(size=(3, 28, 28))
RANDOM, BY_SCORE, FIXED = "random", "score", "fixed"


class ShuffledPatches(nn.Module):
    """Patches in an order that is random, follows from their values, or is the same in each pass."""

    def __init__(self, order: str) -> None:
        super().__init__()
        self.order, self.patches, self.norm = order, nn.Conv2d(3, 6, 4, 4), nn.LayerNorm(6)
        self.block, self.head = nn.Linear(6, 6), nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        noise = {RANDOM: torch.rand(tokens.shape[:2]), BY_SCORE: tokens.detach().norm(dim=2), FIXED: torch.ones(len(x), 49)}
        order = noise[self.order].cumsum(1) if self.order == FIXED else noise[self.order]
        index = torch.argsort(order, dim=1, descending=self.order == FIXED)
        tokens = torch.gather(tokens, 1, index[:, :, None].expand(tokens.shape))
        return self.head(self.block(self.norm(tokens)).tanh().mean(1))


@pytest.mark.parametrize("order", [RANDOM, BY_SCORE])
def test_tokens_whose_order_varies_are_no_grid(order):
    """As in masked autoencoders, which shuffle the patches at random in each pass."""
    torch.manual_seed(0)
    with pytest.warns(UserWarning, match="the later layer 'block' with tokens"):
        mask = saliency.GradCAM(ShuffledPatches(order).eval(), 1).GetMask(X, should_resize=False)
    assert (mask.details["layer"], tuple(mask.details["grid"])) == ("patches", (7, 7))


def test_tokens_in_a_fixed_order_are_a_grid():
    torch.manual_seed(0)
    mask = saliency.GradCAM(ShuffledPatches(FIXED).eval(), 1).GetMask(X, should_resize=False)
    assert (mask.details["layer"], tuple(mask.details["grid"])) == ("block", (7, 7))


def test_tokens_whose_order_varies_are_refused_by_name():
    with pytest.raises(saliency.TargetError, match="layer 'norm'"):
        saliency.GradCAM(ShuffledPatches(RANDOM).eval(), 1, layer="norm").GetMask(X)


class Mirrored(nn.Module):
    """A spatial transformer, which samples the features at other places: here it mirrors them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(3, 6, 4, 4), nn.GroupNorm(1, 6), nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.conv(x)
        turned = torch.tensor([[[-1.0, 0, 0], [0, 1, 0]]]).expand(len(x), -1, -1)
        grid = nn.functional.affine_grid(turned, list(features.shape), align_corners=False)
        sampled = nn.functional.grid_sample(features, grid, align_corners=False)
        return self.head(self.norm(sampled).tanh().mean((2, 3)))


def test_features_that_were_sampled_at_other_places_are_passed_over():
    torch.manual_seed(0)
    mask = saliency.GradCAM(Mirrored().eval(), 1).GetMask(X, should_resize=False)
    assert (mask.details["layer"], tuple(mask.details["grid"])) == ("conv", (7, 7))
    with pytest.raises(saliency.TargetError, match="layer 'norm'"):
        saliency.GradCAM(Mirrored().eval(), 1, layer="norm").GetMask(X)


class FoldedPatches(nn.Module):
    """Layers on patches of 2 x 2 positions, which leave out the last row and column of a grid with odd lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(3, 6, 4, 4), nn.GroupNorm(1, 6), nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.conv(x)
        patches = nn.functional.unfold(features, 2, stride=2).reshape(len(x), 6, 4, -1)
        patches = self.norm(patches).flatten(1, 2)
        folded = nn.functional.fold(patches, features.shape[2:], 2, stride=2)
        return self.head(folded.tanh().mean((2, 3)))


@pytest.mark.parametrize(("length", "layer", "grid"), [(28, "conv", (7, 7)), (32, "norm", (8, 8))])
def test_a_grid_of_a_part_of_the_input_is_passed_over(length, layer, grid):
    torch.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(3, length, length))
    mask = saliency.GradCAM(FoldedPatches().eval(), 1).GetMask(x, should_resize=False)
    assert (mask.details["layer"], tuple(mask.details["grid"])) == (layer, grid)


class ConvolutionalAttention(nn.Module):
    """Attention whose queries, keys and values are convolutions of each channel, each followed by a linear layer."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.patches, self.norm = nn.Conv2d(3, 6, 4, 4), nn.LayerNorm(6)
        self.convolve = nn.ModuleDict({name: nn.Conv2d(6, 6, 3, 1, 1, groups=6) for name in "qkv"})
        for name in "kv":
            self.convolve[name].stride = (stride, stride)
        self.scale, self.project = nn.BatchNorm2d(6), nn.ModuleDict({name: nn.Linear(6, 6) for name in "qkv"})
        self.head = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        grid = self.norm(tokens).transpose(1, 2).reshape(len(x), 6, 7, 7)
        q, k, v = (self.project[one](self.scale(self.convolve[one](grid)).flatten(2).transpose(1, 2)) for one in "qkv")
        weights = torch.softmax(q @ k.transpose(1, 2), -1)
        return self.head((tokens + weights @ v).mean(1))


@pytest.mark.parametrize("stride", [1, 2])
def test_convolutions_before_queries_keys_and_values_are_inside_attention(stride):
    torch.manual_seed(0)
    mask = saliency.LayerCAM(ConvolutionalAttention(stride).eval(), 1).GetMask(X, should_resize=False)
    assert (mask.details["layer"], tuple(mask.details["grid"])) == ("norm", (7, 7))

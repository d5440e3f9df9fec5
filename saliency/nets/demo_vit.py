"""The small vision transformer in Torch: it detects digits in cluttered 96 x 96 scenes, like the demo network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

PATCH = 8  # pixels
GRID = (12, 12)  # patches
WIDTH, HEADS, DEPTH, HIDDEN = 64, 4, 5, 128


class DemoViT(nn.Module):
    """Detect ten digits independently, with a pre-norm vision transformer: patches of 8 x 8 pixels and one class token.

    Source: A. Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021 (arXiv:2010.11929).
    """

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, stride=PATCH)
        self.class_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.positions = nn.Parameter(torch.zeros(1, 1 + GRID[0] * GRID[1], WIDTH))
        self.blocks = nn.Sequential(*(Block() for _ in range(DEPTH)))
        self.norm = nn.LayerNorm(WIDTH)
        self.fc1 = nn.Linear(WIDTH, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Compute one logit for each digit.

        Args:
            x: scenes (N, 3, 96, 96), normalized with the `MEAN` and `STD` of ``bundled_networks``.

        Returns:
            Logits (N, 10); above 0, the digit is in the scene.
        """
        return self.classify(self.patches(x).flatten(2).transpose(1, 2), self.positions)

    def classify(self, patches: Tensor, positions: Tensor) -> Tensor:
        """Compute the logits from embedded patches.

        Args:
            patches: (N, P, 64).
            positions: position of the class token and those of the patches, (1, 1 + P, 64).

        Returns:
            Logits (N, 10), read at the class token.
        """
        tokens = torch.cat([self.class_token.expand(patches.shape[0], -1, -1), patches], dim=1) + positions
        logits: Tensor = self.fc1(self.norm(self.blocks(tokens))[:, 0])
        return logits


class Block(nn.Module):
    """Add self-attention and a two-layer perceptron to the tokens, each behind a layer normalization."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(WIDTH), Attention()
        self.norm2 = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, WIDTH))

    def forward(self, tokens: Tensor) -> Tensor:
        """Compute the tokens (N, tokens, 64) behind the block."""
        tokens = tokens + self.attention(self.norm1(tokens))
        updated: Tensor = tokens + self.mlp(self.norm2(tokens))
        return updated


class Attention(nn.Module):
    """Mix the tokens by self-attention with four heads of 16 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, tokens: Tensor) -> Tensor:
        """Compute the mixed tokens (N, tokens, 64)."""
        count, length, _ = tokens.shape
        parts = self.qkv(tokens).reshape(count, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(parts[0], parts[1], parts[2])  # (N, heads, tokens, 16)
        projected: Tensor = self.out(mixed.transpose(1, 2).reshape(count, length, WIDTH))
        return projected

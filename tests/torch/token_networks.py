"""A vision transformer with other tokens beside its patches, and Grad-CAM's formula on tokens."""

import numpy as np
import torch
from torch import nn


def tokens_and_gradients(model, layer, x, y=2):
    """Return a layer's output and the gradient of class y by it, (tokens, channels), for one input."""
    kept = []
    with model.get_submodule(layer).register_forward_hook(lambda _m, _i, out: kept.append(out) or out.clone()):
        score = model(torch.tensor(x)[None])[0, y]
    (gradients,) = torch.autograd.grad(score, kept[-1])
    return kept[-1].detach().squeeze().numpy(), gradients.squeeze().numpy()


def grad_cam(tokens, gradients, places):
    """Return Grad-CAM's map by its formula; ``places`` holds the index of the token at each position."""
    maps = np.maximum(0, tokens[places.ravel()] @ gradients[places.ravel()].mean(0))
    return maps.reshape(places.shape)


class Transformer(nn.Module):
    """A vision transformer with other tokens before and behind the patches."""

    def __init__(self, front=0, behind=0, tokens_first=False, width=16):
        super().__init__()
        self.patch, self.tokens_first = nn.Conv2d(3, width, 8, 8), tokens_first
        self.front, self.behind = (nn.Parameter(torch.randn(1, n, width)) for n in (front, behind))
        layer = nn.TransformerEncoderLayer(width, 2, 32, 0.0, batch_first=not tokens_first)
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, 5)

    def forward(self, x):
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.front.expand(len(x), -1, -1), tokens, self.behind.expand(len(x), -1, -1)], 1)
        if self.tokens_first:
            return self.head(self.blocks(tokens.transpose(0, 1)).mean(0))
        return self.head(self.blocks(tokens).mean(1))

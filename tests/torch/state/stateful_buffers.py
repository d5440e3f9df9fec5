"""Modules whose buffers change when they are called, in eval mode too."""

import torch
from torch import nn


class Buffers(nn.Module):
    """Buffers that are changed in place, resized, replaced, registered and removed."""

    def __init__(self):
        super().__init__()
        for name in ("mean", "data", "shared", "replaced", "removed"):
            self.register_buffer(name, torch.zeros(2))
        self.register_buffer("nan", torch.full((2,), float("nan")))
        self.register_buffer("n", torch.zeros((), dtype=torch.int64), persistent=False)
        self.register_buffer("resized", torch.zeros(0))

    def forward(self, x):
        x = x * (1 + self.n) + self.mean[0] + self.data[0] + self.shared[0] + self.resized.sum() + self.replaced[0]
        value = x.detach().mean()
        self.n += len(x)
        self.mean.mul_(0.5).add_(value)
        self.data.data = self.data.data + value
        self.shared.numpy()[:] += 1
        self.replaced = self.replaced + value
        self.resized.resize_(2).fill_(1.0)
        self.register_buffer("late", torch.zeros(1))
        self._buffers.pop("removed", None)
        return x


class LargeBuffers(nn.Module):
    """Buffers that are too large for a copy before every call."""

    def __init__(self):
        super().__init__()
        for name in ("keys", "values", "data"):
            self.register_buffer(name, torch.zeros(50, 1000))
        self.position = 0

    def forward(self, x):
        x = x + self.keys[0, 0] + self.values.sum() + self.data[0, 0]
        value = x.detach().mean()
        self.keys[self.position] = value
        self.values.view(-1)[self.position :].add_(value)
        self.data.data.add_(1.0)
        self.position += 1
        return x

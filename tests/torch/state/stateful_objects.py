"""Modules whose objects, generators or classes change when they are called, in eval mode too."""

import random
from collections import UserDict
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from tests.torch.state.stateful_buffers import Buffers


class Memory:
    """An object that is no module."""

    shared = 0

    def __init__(self):
        self.last, self.calls = None, 0


@dataclass(slots=True)
class Slots:
    """An object without a dictionary."""

    last: torch.Tensor = None
    calls: int = 0


class Helpers(nn.Module):
    """Objects that are no modules, a module that is not registered, an array and generators."""

    def __init__(self):
        super().__init__()
        self.memory, self.space, self.slots, self.unregistered = Memory(), SimpleNamespace(n=0), Slots(), [Buffers()]
        self.user_dict = UserDict()
        self.array, self.generator = np.zeros(3), torch.Generator().manual_seed(1)
        self.numpy, self.legacy, self.python = np.random.default_rng(1), np.random.RandomState(1), random.Random(1)

    def forward(self, x):
        x = self.unregistered[0](x) + self.memory.calls + self.space.n + self.slots.calls + float(self.array[0])
        x = x + torch.rand(1, generator=self.generator) + self.numpy.random() + self.legacy.rand() + self.python.random()
        self.memory.last, self.memory.calls, self.space.n = x, self.memory.calls + 1, self.space.n + 1
        self.slots.last, self.slots.calls, self.user_dict["last"] = x, self.slots.calls + 1, x
        self.array += 1
        return x


def class_attributes():
    """Return a module of a new class, whose attributes are counters, caches and tensors of all its instances."""

    class ClassAttributes(nn.Module):
        calls, cache, running, history, helper, kind = 0, {}, torch.zeros(2), [0.0], Memory(), Memory

        def forward(self, x):
            kind = type(self)
            x = x * (1 + kind.calls) + kind.cache.get("last", 0.0) + self.running[0] + self.history[-1] + self.helper.calls
            x = x + Memory.shared
            kind.calls += 1
            self.cache["last"] = float(x.detach().mean())
            self.running.add_(1.0)
            self.history.append(self.cache["last"])
            self.helper.calls += 1
            Memory.shared += 1
            kind.new = x.detach()
            return x

    return ClassAttributes()

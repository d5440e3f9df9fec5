"""Modules that change something of their own when they are called, in eval mode too."""

import random
from collections import UserDict, deque, namedtuple
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrizations

from tests.torch.state.stateful_torch_features import (
    CountsBackward,
    Hooked,
    Modes,
    OldSpectralNorm,
    Parameters,
    Quantization,
    Scripted,
    spectral_norm,
)

Pair = namedtuple("Pair", "hidden cell")


class Memory:
    """An object that is no module."""

    def __init__(self):
        self.last, self.calls = None, 0


def decayed(old, x):
    return 0.5 * old + x.detach().mean()


class Attributes(nn.Module):
    """Attributes of all kinds, of which some appear, are replaced or disappear."""

    def __init__(self):
        super().__init__()
        self.potential, self.calls, self.none, self.removed = 0.0, 0, None, torch.ones(2)
        self.tensor, self.pair = torch.zeros(()), Pair(torch.zeros(2), torch.ones(2))

    def forward(self, x):
        x = x * (1 + self.potential) + self.tensor + self.pair.hidden[0]
        self.potential, self.calls, self.none = float(decayed(self.potential, x)), self.calls + 1, x
        self.tensor, self.pair = decayed(self.tensor, x), Pair(self.pair.hidden + 1, self.pair.cell * 2)
        self.new = x.detach()
        if hasattr(self, "removed"):
            del self.removed
        return x


class TensorsInPlace(nn.Module):
    """Tensors that are no buffers, changed in place."""

    def __init__(self):
        super().__init__()
        self.state, self.in_tuple, self.in_list = torch.zeros(3), (torch.zeros(2), 1), [torch.zeros(2), {"a": torch.ones(1)}]

    def forward(self, x):
        x = x + self.state[0] + self.in_tuple[0][0] + self.in_list[1]["a"]
        for each in (self.state, self.in_tuple[0], *self.in_list[:1], self.in_list[1]["a"]):
            each.add_(x.detach().mean())
        return x


@dataclass(slots=True)
class Slots:
    """An object without a dictionary."""

    last: torch.Tensor = None
    calls: int = 0


class Recurrent(nn.Module):
    """A recurrent layer that continues from where the last call ended; the graph of the user's own calls is kept as well."""

    def __init__(self):
        super().__init__()
        self.lstm, self.state = nn.LSTM(3, 3), None

    def forward(self, x):
        out, self.state = self.lstm(x.flatten(2).permute(2, 0, 1), self.state)
        return out.permute(1, 2, 0).reshape(x.shape)


class Containers(nn.Module):
    """Containers that grow, shrink or are reordered."""

    def __init__(self):
        super().__init__()
        self.history, self.cache, self.recent, self.kinds = [0.0], {"k": (0.0, None), "z": 1}, deque([0, 0], maxlen=2), {1}
        self.nested = {"levels": [[0.0]]}

    def forward(self, x):
        x = x + self.history[-1] + self.cache["k"][0] + len(self.kinds) + self.recent[-1] + self.nested["levels"][0][-1]
        value = float(x.detach().mean())
        self.history.append(value)
        self.cache["k"] = (value, x)
        self.cache["z2"] = self.cache.pop("z", 0)
        self.recent.append(value)
        self.kinds.add(value)
        self.nested["levels"][0].append(value)
        return x


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
        calls, cache, running, history, helper = 0, {}, torch.zeros(2), [0.0], Memory()

        def forward(self, x):
            kind = type(self)
            x = x * (1 + kind.calls) + kind.cache.get("last", 0.0) + self.running[0] + self.history[-1] + self.helper.calls
            kind.calls += 1
            self.cache["last"] = float(x.detach().mean())
            self.running.add_(1.0)
            self.history.append(self.cache["last"])
            self.helper.calls += 1
            kind.new = x.detach()
            return x

    return ClassAttributes()


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


ZOO = {
    "attributes": Attributes,
    "tensors in place": TensorsInPlace,
    "recurrent": Recurrent,
    "containers": Containers,
    "helpers": Helpers,
    "class attributes": class_attributes,
    "buffers": Buffers,
    "large buffers": LargeBuffers,
    "parameters": Parameters,
    "modes": Modes,
    "spectral norm": spectral_norm,
    "old spectral norm": OldSpectralNorm,
    "weight norm": lambda: parametrizations.weight_norm(nn.Conv2d(3, 3, 3, padding=1)),
    "hooks": Hooked,
    "backward": CountsBackward,
    "scripted": lambda: torch.jit.script(Scripted()),
    "quantization": Quantization,
}
"""Name -> a function that makes a module, which maps (N, 3, rows, columns) to the same shape."""

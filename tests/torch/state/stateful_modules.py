"""Modules that change something of their own when they are called, in eval mode too."""

from collections import deque, namedtuple

import torch
from torch import nn
from torch.nn.utils import parametrizations

from tests.torch.state.stateful_buffers import Buffers, LargeBuffers
from tests.torch.state.stateful_objects import Helpers, class_attributes
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

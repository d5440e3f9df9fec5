"""Small stand-ins for timm and huggingface_hub, which the tests do not install."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import torch
from torch import nn

CONFIG = {
    "input_size": (3, 8, 10),
    "mean": (0.5, 0.4, 0.3),
    "std": (0.2, 0.3, 0.4),
    "interpolation": "bicubic",
    "label_names": ["n2", "n1", "n3"],
    "label_descriptions": {"n1": "tench", "n2": "shark"},
}


class MissingFileError(Exception):
    """A file is not in the cache."""


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.num_classes, self.pretrained_cfg = 3, dict(CONFIG)
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(self.conv(x).mean((2, 3)))


def transform(picture):
    return torch.tensor(np.asarray(picture.resize((10, 8)), np.float32)).permute(2, 0, 1) / 7


def install(monkeypatch, cached=True):
    """Put the stand-ins into ``sys.modules``; return the list of timm's calls, each with the hub's offline mode."""
    constants = SimpleNamespace(HF_HUB_OFFLINE=False, HF_HUB_CACHE="/cache", ENDPOINT="https://hub.invalid")
    hub, calls = ModuleType("huggingface_hub"), []
    hub.constants, hub.utils = constants, SimpleNamespace()

    def create_model(name, pretrained):
        calls.append((name, pretrained, constants.HF_HUB_OFFLINE))
        torch.rand(1)
        if pretrained and not cached:
            raise MissingFileError(f"{name} is not in the cache")
        return Tiny()

    timm, data = ModuleType("timm"), ModuleType("timm.data")
    timm.data, timm.create_model, timm.__version__ = data, create_model, "1.0"
    timm.is_model = lambda name: name == "tiny"
    timm.list_models, timm.list_pretrained = lambda: ["tiny", "huge"], lambda pattern: ["tiny.one", "tiny.two"]
    data.resolve_data_config = lambda args, model: {key: CONFIG[key] for key in ("input_size", "mean", "std", "interpolation")}
    data.create_transform = lambda is_training, **config: transform
    for module in (hub, timm, data):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    for name in ("hub_access", "timm_networks"):
        monkeypatch.delitem(sys.modules, f"saliency.nets.{name}", raising=False)
    return calls

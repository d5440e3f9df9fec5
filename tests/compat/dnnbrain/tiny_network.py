"""A small user-defined network, with the attributes that DNNBrain documents."""

import numpy as np
import torch
from PIL import Image

from tests.torch.test_dnnbrain import LAYERS, TINY, TinyModel


class Tiny:
    """A user-defined network, like the one in DNNBrain's documentation."""

    def __init__(self):
        self.model = TinyModel()
        weights = np.load(TINY / "tiny_net_weights.npz")
        self.model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
        self.layer2loc = {name: tuple(path.split(".")) for name, path in LAYERS.items()}
        self.img_size = (16, 16)

    def test_transform(self, picture):
        pixels = np.array(picture.resize((16, 16), Image.Resampling.BILINEAR), np.float32) / np.float32(255)
        pixels = (pixels - np.array((0.485, 0.456, 0.406), np.float32)) / np.array((0.229, 0.224, 0.225), np.float32)
        return torch.tensor(pixels).permute(2, 0, 1)

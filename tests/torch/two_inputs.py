"""Torch models of an image and a table, and their inputs."""

import numpy as np
import torch

RNG = np.random.default_rng(3)
IMAGES, TABLES = RNG.normal(size=(3, 3, 4, 5)), 10 * RNG.normal(size=(3, 4))
INPUTS = {"image": IMAGES[0], "table": TABLES[0]}
W, V = torch.tensor(RNG.normal(size=(60, 2))), torch.tensor(RNG.normal(size=(4, 2)))


class Net(torch.nn.Module):
    """Combine a score of the image with one of the table, in float64."""

    def __init__(self, combine):
        super().__init__()
        self.w, self.v, self.combine = torch.nn.Parameter(W), torch.nn.Parameter(V), combine

    def forward(self, image, table, scale=1.0):
        return self.combine(image.reshape(len(image), -1) @ self.w, table @ self.v) * scale


def sum_of(one, other):
    return one + other


def product(one, other):
    return one * other


def smooth(one, other):
    return torch.tanh(one * other / 500) + one.cos()


class OfDictionary(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head, self.rows = torch.nn.Conv2d(3, 4, 3), torch.nn.Linear(8, 2), torch.nn.Linear(4, 4)

    def forward(self, batch):
        seen = torch.relu(self.conv(batch["image"])).mean((2, 3))
        return self.head(torch.relu(torch.cat([seen, self.rows(batch["table"].mul_(2))], 1)))  # overwrites its input

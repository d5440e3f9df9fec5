"""Small models, and inputs that they accept: (3, 8, 8), or (8, 8, 3) for Keras."""

import importlib.util
from collections import OrderedDict

import numpy as np

X = np.random.default_rng(0).normal(size=(3, 8, 8))
WEIGHTS = np.random.default_rng(1).normal(size=(192, 5))


def function_model(x):
    """Return 5 scores for each input."""
    return np.tanh(x.reshape(len(x), -1) / 8) @ WEIGHTS


def torch_models():
    """Return models of Torch by name: an ordinary one, and some whose weights are of another type; none if it is missing."""
    if not importlib.util.find_spec("torch"):
        return {}
    import torch
    from torch import nn

    class OneWeight(nn.Module):
        """Multiply the mean of each channel by one weight, and return 3 scores."""

        def __init__(self, weight):
            super().__init__()
            self.weight = nn.Parameter(weight, requires_grad=weight.is_floating_point() or weight.is_complex())

        def forward(self, x):
            return x.mean((2, 3)) * self.weight

    torch.manual_seed(0)
    layers = OrderedDict(
        conv=nn.Conv2d(3, 4, 3), relu=nn.ReLU(), conv2=nn.Conv2d(4, 4, 3, padding=1), relu2=nn.ReLU(),
        pool=nn.AdaptiveAvgPool2d(2), flat=nn.Flatten(), fc=nn.Linear(16, 5),
    )  # fmt: skip
    dtypes = {
        "complex": torch.complex64,
        "int8": torch.int8,
        "bool": torch.bool,
        "half": torch.float16,
        "double": torch.float64,
    }
    odd = {f"{name} weights": OneWeight(torch.ones((), dtype=dtype)) for name, dtype in dtypes.items()}
    return {"torch": nn.Sequential(layers).eval(), "without weights": nn.Flatten(), **odd}


def keras_models():
    """Return a small Keras model by name."""
    import keras

    layers = [
        keras.Input((8, 8, 3)),
        keras.layers.Conv2D(4, 3, activation="relu", name="conv"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(5, name="fc"),
    ]
    return {"keras": keras.Sequential(layers)}

"""Small models, and an input that all of them accept, (3, 8, 8)."""

import importlib.util
from collections import OrderedDict
from functools import cache

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


def keras_model():
    """Return a small Keras model with the layer names of that of Torch. Its input has 8 channels, which are last."""
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential([
        keras.Input(X.shape),
        layers.Conv2D(4, 3, padding="same", name="conv"),
        layers.ReLU(name="relu"),
        layers.Conv2D(4, 3, padding="same", name="conv2"),
        layers.ReLU(name="relu2"),
        layers.GlobalAveragePooling2D(name="pool"),
        layers.Dense(5, name="fc"),
    ])  # fmt: skip


@cache
def keras_models():
    """Return the Keras model by name; none if TensorFlow is missing."""
    return {"keras": keras_model()} if importlib.util.find_spec("tensorflow") else {}


def two_input_model():
    """Return a Torch model with two inputs and a dictionary of outputs."""
    import torch

    class TwoInputs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = torch_models()["torch"]

        def forward(self, image, weights=None, scale=1.0):
            scores = self.body(image) * scale
            scores = scores if weights is None else scores * weights.mean((1, 2, 3))[:, None]
            return {"logits": scores, "aux": [scores[:, :3], scores.sum(1)], "name": "text"}

    return TwoInputs().eval()

"""Vanilla, Integrated Gradients, Grad-CAM and Occlusion, written with a framework's own means: autograd or a tape, and hooks."""

from typing import Any

import numpy as np

from tests.zoo.directional_derivative import CLASS
from tests.zoo.method_networks import Case
from tests.zoo.moved_patch import Floats

POINTS = 4
WINDOW, STEP = 32, 16
COPIES = 2
"""The references run on two copies of a picture: batch normalization of a single one has a wrong gradient on Torch's CPU."""


def references(case: Case, model: Any, x: Floats) -> dict[str, Floats]:
    """Return the map of each method for a picture."""
    library: Any = _Keras(case, model) if case.network.library == "keras" else _Torch(case, model)
    nodes, weights = np.polynomial.legendre.leggauss(POINTS)
    path = [(weight / 2, library.gradients(x * (1 + node) / 2)[0]) for node, weight in zip(nodes, weights, strict=True)]
    gradient, features, layer_gradient = library.gradients(x)
    channels = _on_grid(case, layer_gradient).mean((0, 1))
    return {
        "Vanilla": gradient,
        "IntegratedGradients": x * sum(weight * one for weight, one in path),
        "GradCAM": np.maximum(0, (_on_grid(case, features) * channels).sum(-1)),
        "Occlusion": _occlusion(library, x, axis=0 if case.network.library == "keras" else 1),
    }


def _on_grid(case: Case, array: Floats) -> Floats:
    """Return one picture's features as (rows, columns, channels)."""
    if case.layout == "tokens":
        return array[case.left_out :].reshape(*case.grid, -1)
    return array if case.layout == "channels last" else array.transpose(1, 2, 0)


def _occlusion(library: Any, x: Floats, axis: int) -> Floats:
    """Return the sum over windows of the drop in score; ``axis`` is that of the rows."""
    total, clean = np.zeros_like(x), library.score(x)
    for top in range(0, x.shape[axis] - WINDOW + 1, STEP):
        for left in range(0, x.shape[axis + 1] - WINDOW + 1, STEP):
            window = (slice(None),) * axis + (slice(top, top + WINDOW), slice(left, left + WINDOW))
            covered = x.copy()
            covered[window] = 0
            total[window] += clean - library.score(covered)
    return total


class _Torch:
    """The class's logit and its gradients in Torch."""

    def __init__(self, case: Case, model: Any) -> None:
        self.model, self.layer = model, model.get_submodule(case.layer)

    def logit(self, x: Any) -> Any:
        output = self.model(x)
        return getattr(output, "logits", output)[:, CLASS]

    def score(self, x: Floats) -> float:
        import torch

        with torch.no_grad():
            return float(self.logit(torch.tensor(x)[None])[0])

    def gradients(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the gradient by the picture, the layer's output and the gradient by it."""
        import torch

        kept: list[Any] = []
        handle = self.layer.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
        try:
            pixels = torch.tensor(np.stack([x] * COPIES), requires_grad=True)
            total = self.logit(pixels).sum()
        finally:
            handle.remove()
        by_pixels, by_layer = torch.autograd.grad(total, (pixels, kept[-1]))
        return by_pixels[0].numpy(), kept[-1][0].detach().numpy(), by_layer[0].numpy()


class _Keras:
    """The class's logit and its gradients in Keras."""

    def __init__(self, case: Case, model: Any) -> None:
        import keras

        self.model = keras.Model(model.inputs, [model.get_layer(case.layer).output, model.outputs[0]])

    def score(self, x: Floats) -> float:
        return float(self.model(x[None], training=False)[1][0, CLASS])

    def gradients(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the gradient by the picture, the layer's output and the gradient by it."""
        import tensorflow as tf

        pixels = tf.constant(np.stack([x] * COPIES))
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            features, logits = self.model(pixels, training=False)
            total = tf.reduce_sum(logits[:, CLASS])
        by_pixels, by_layer = tape.gradient(total, [pixels, features])
        return by_pixels[0].numpy(), features[0].numpy(), by_layer[0].numpy()

"""A layer's input as the leaf that scores are differentiated by."""

from functools import partial
from typing import Any

import torch

from saliency.core.errors import TargetError
from saliency.torch.asked import Asked
from saliency.torch.cut import cut_before
from saliency.torch.forward import Forward
from saliency.torch.layers import find_layer, name_of


def gradients_at(forward: Forward, layer: Any, asked: Asked) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scores (N * T,), and the gradients (N * T, ...) by a layer's input; see ``GradientAdapter.gradients``.

    Args:
        forward: of the model, which records no graph by itself.
        layer: its name, or the layer itself.
        asked: the question.

    Raises:
        TargetError: if there is no such layer, or its input is no tensor of floats (N, ...).
        GradientError: if a score does not depend on it.
    """
    module = find_layer(forward.model, layer, "at")
    name, n = name_of(layer), len(asked.x)
    refusal = f"{name} {{}}; `at` needs a layer that takes a tensor of floats"
    scores, leaf = asked.cut(forward, partial(cut_before, module), refusal)
    if leaf.shape[:1] != (n,):
        raise TargetError(f"{name} takes the shape {tuple(leaf.shape)} for {n} input(s); `at` needs ({n}, ...)")
    with torch.enable_grad():
        gradients = asked.gradients(scores, leaf, f"the input of {name}")
    return scores.detach(), gradients

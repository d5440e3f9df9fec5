"""Differentiate scores with respect to a layer's input or output."""

import torch

from saliency.core.errors import TargetError
from saliency.core.types import OutputOf
from saliency.torch.forward import ForwardRunner
from saliency.torch.layers import describe_layer, find_place
from saliency.torch.query import ScoreQuery


def layer_gradients(forward: ForwardRunner, query: ScoreQuery) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return scores (N * T,), a layer's input or output (N, ...), and the gradients (N * T, ...) with respect to it.

    See ``GradientAdapter.values_and_gradients_at``.

    Args:
        forward: of the model; the caller has disabled gradients.
        query: its request names the layer in ``at``.

    Raises:
        TargetError: if there is no such layer, or its input or output is not a floating-point tensor (N, ...).
        GradientError: if a score does not depend on it.
    """
    at = query.request.at
    layer, side, verb = at, "input", "receives"
    if isinstance(at, OutputOf):
        layer, side, verb = at.layer, "output", "returns"
    place = find_place(forward.model, layer, "at")
    if place.entry:
        side, verb = "output", "returns"
    name, n = describe_layer(layer), len(query.x)
    requirement = f"`at` needs a layer whose {side} is a floating-point tensor"
    scores, leaf = query.scores_from_layer(forward, place, f"{name} {{}}; {requirement}", side == "input", any_input=True)
    if leaf.shape[:1] != (n,):
        raise TargetError(
            f"{name} {verb} shape {tuple(leaf.shape)} for {n} input(s); `at` needs ({n}, ...), one row for each input. "
            "Choose another layer"
        )
    with torch.enable_grad():
        gradients = query.gradients(scores, leaf, f"the {side} of {name}")
    return scores.detach(), leaf.detach(), gradients

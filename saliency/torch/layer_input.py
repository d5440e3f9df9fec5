"""A layer's input, or its output, as the leaf that scores are differentiated by."""

from functools import partial

import torch

from saliency.core.errors import TargetError
from saliency.core.types import OutputOf
from saliency.torch.forward import Forward
from saliency.torch.layers import find_layer, name_of
from saliency.torch.partial_graph import cut_before, cut_behind
from saliency.torch.query import ScoreQuery


def gradients_at(forward: Forward, query: ScoreQuery) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scores (N * T,), and the gradients (N * T, ...) by a layer's input or output; see ``GradientAdapter.gradients``.

    Args:
        forward: of the model, which records no graph by itself.
        query: its request names the layer, ``at``.

    Raises:
        TargetError: if there is no such layer, or this is no tensor of floats (N, ...).
        GradientError: if a score does not depend on it.
    """
    at = query.request.at
    layer, side, does, cut = at, "input", "takes", cut_before
    if isinstance(at, OutputOf):
        layer, side, does, cut = at.layer, "output", "gives", cut_behind
    module = find_layer(forward.model, layer, "at")
    name, n = name_of(layer), len(query.x)
    refusal = f"{name} {{}}; `at` needs a layer that {does} a tensor of floats"
    scores, leaf = query.cut(forward, partial(cut, module), refusal)
    if leaf.shape[:1] != (n,):
        raise TargetError(f"{name} {does} the shape {tuple(leaf.shape)} for {n} input(s); `at` needs ({n}, ...)")
    with torch.enable_grad():
        gradients = query.gradients(scores, leaf, f"the {side} of {name}")
    return scores.detach(), gradients

"""The input as the leaf that scores are differentiated by; alone, and beside a layer's output in one forward pass."""

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import torch

from saliency.core.errors import SaliencyError
from saliency.torch.features import Features, counts, on_input_grid
from saliency.torch.forward import Forward
from saliency.torch.layers import find_layer, name_of
from saliency.torch.partial_graph import hooked
from saliency.torch.query import ScoreQuery

MakeQuery: TypeAlias = Callable[[torch.Tensor], ScoreQuery]
"""From inputs (N, *input) to the query about them."""

INPUT = "the input", "`x_value`"


def gradients_of(forward: Forward, make_query: MakeQuery, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scores (N * T,) and gradients (N * T, *input); see ``GradientAdapter.gradients``."""
    leaf = _leaf(x)
    query = make_query(leaf)
    scores = query.scores(query.run_forward(forward, grad=True))
    gradients = query.gradients(scores, leaf, *INPUT)
    return scores.detach(), gradients


def features_and_gradients(
    forward: Forward, features: Features, make_query: MakeQuery, x: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """Return what ``Features`` finds, without a rule, and the gradients (N * T, *input) by the rule, from one forward pass.

    Nothing where that can't be told from one: which layer is meant is not known yet, its gradient is all zero, it is not
    called with a graph. Two passes tell it then, or what is wrong.
    """
    leaf = _leaf(x)
    query = make_query(leaf)
    layer = query.request.layer
    module = features.found_before(query) if layer is None else find_layer(forward.model, layer)
    if module is None:
        return ()
    given, thread = [], threading.get_ident()

    def after(_module: torch.nn.Module, _inputs: Any, output: Any) -> Any:
        if threading.get_ident() != thread or not isinstance(output, torch.Tensor):
            return None
        given.append(output)
        return output.clone()  # an in-place ReLU would make its own output of it

    try:
        with hooked(module, after):
            outputs = query.run_forward(forward, grad=True)
        scores, name = query.scores(outputs), name_of(layer or module)
        if not given or not given[-1].requires_grad:
            return ()
        by_layer = query.without_rule().gradients(scores, given[-1], name, again=True)
        if layer is None and not counts(by_layer):
            return ()
        found = on_input_grid(query, given[-1].detach(), len(x), name)
        by_layer = on_input_grid(query, by_layer, len(scores), name)
        return scores.detach(), found, by_layer, query.gradients(scores, leaf, *INPUT)
    except SaliencyError:
        return ()


def _leaf(x: torch.Tensor) -> torch.Tensor:
    return (x.clone() if x.is_inference() else x.detach()).requires_grad_()

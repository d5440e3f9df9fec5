"""The input as the leaf that scores are differentiated by; alone, and beside a layer's output in one forward pass."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import torch

from saliency.core.errors import SaliencyError
from saliency.torch.features import Features, counts, on_input_grid
from saliency.torch.forward import Forward
from saliency.torch.layers import find_layer, name_of
from saliency.torch.partial_graph import hooked
from saliency.torch.query import Asked

Asking: TypeAlias = Callable[[torch.Tensor], Asked]
"""From inputs (N, *input) to the question that is asked about them."""

INPUT = "the input", "`x_value`"


def gradients_of(forward: Forward, asking: Asking, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scores (N * T,) and gradients (N * T, *input); see ``GradientAdapter.gradients``."""
    leaf = _leaf(x)
    asked = asking(leaf)
    scores = asked.scores(asked.passed(forward, grad=True))
    gradients = asked.gradients(scores, leaf, *INPUT)
    return scores.detach(), gradients


def gradients_beside(
    forward: Forward, features: Features, layer: Any, asking: Asking, x: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """Return what ``Features`` finds, without a rule, and the gradients (N * T, *input) by the rule, from one forward pass.

    Nothing where that can't be told from one: which layer is meant is not known yet, its gradient is all zero, it is not
    called with a graph. Two passes tell it then, or what is wrong.
    """
    leaf = _leaf(x)
    asked = asking(leaf)
    module = features.known(asked) if layer is None else find_layer(forward.model, layer)
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
            outputs = asked.passed(forward, grad=True)
        scores, name = asked.scores(outputs), name_of(layer or module)
        if not given or not given[-1].requires_grad:
            return ()
        by_layer = replace(asked, rule=None).gradients(scores, given[-1], name, again=True)
        if layer is None and not counts(by_layer):
            return ()
        found = on_input_grid(asked, given[-1].detach(), len(x), name)
        by_layer = on_input_grid(asked, by_layer, len(scores), name)
        return scores.detach(), found, by_layer, asked.gradients(scores, leaf, *INPUT)
    except SaliencyError:
        return ()


def _leaf(x: torch.Tensor) -> torch.Tensor:
    return (x.clone() if x.is_inference() else x.detach()).requires_grad_()

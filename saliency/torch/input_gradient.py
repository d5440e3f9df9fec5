"""Differentiate scores with respect to the input, alone or together with a layer's output in one forward pass."""

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import torch

from saliency.core.errors import SaliencyError
from saliency.core.layer_entries import read_entry
from saliency.core.nested_outputs import replace_array
from saliency.torch.autograd_graph import find_nodes
from saliency.torch.forward import ForwardRunner
from saliency.torch.layer_features import LayerFeatures, has_nonzero
from saliency.torch.layers import describe_layer, find_place, forward_hooks
from saliency.torch.query import ScoreQuery
from saliency.torch.several_targets import gradients_of_targets

MakeQuery: TypeAlias = Callable[[torch.Tensor], ScoreQuery]
"""A function from inputs (N, *input) to a query about them."""

DESCRIPTION_AND_NAME = "the input", "`x_value`"


def input_gradients(forward: ForwardRunner, make_query: MakeQuery, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scores (N * T,) and gradients (N * T, *input); see ``GradientAdapter.gradients``."""
    several = gradients_of_targets(forward, make_query, x)
    if several is not None:
        return several
    leaf = make_leaf(x)
    query = make_query(leaf)
    scores = query.scores(query.run_forward(forward, grad=True, outputs_only=True))
    gradients = query.gradients(scores, leaf, *DESCRIPTION_AND_NAME)
    return scores.detach(), gradients


def features_and_gradients(
    forward: ForwardRunner, features: LayerFeatures, make_query: MakeQuery, x: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """Return the features without a rule and the input gradients (N * T, *input) by the rule, from one forward pass.

    Returns an empty tuple if one pass does not suffice: the layer is not known yet, its gradient is zero everywhere, or it is
    called without a graph. The caller then makes two passes, which also raise the errors.
    """
    leaf = make_leaf(x)
    query = make_query(leaf)
    layer = query.request.layer
    found = features.found.module(query) if layer is None else layer
    if found is None:
        return ()
    place = find_place(forward.model, found)
    outputs_of_layer, thread = [], threading.get_ident()

    def record(_module: torch.nn.Module, _inputs: Any, output: Any) -> Any:
        value = read_entry(output, place.entry)
        if threading.get_ident() != thread or not isinstance(value, torch.Tensor):
            return None
        entry = value.clone() if place.entry else value  # inside the layer, other entries may depend on this one
        outputs_of_layer.append(entry)
        return replace_array(output, value, entry.clone())  # otherwise an in-place ReLU would overwrite the recorded output

    try:
        with features.grids.recorded(query, place) as recorded, forward_hooks(place.module, record):
            outputs = query.run_forward(forward, grad=True)
            grid = recorded.of(outputs_of_layer[-1]) if outputs_of_layer else None
        scores, name = query.scores(outputs), describe_layer(found)
        outputs_of_layer = _outputs_from_input(outputs_of_layer, leaf)
        if len(outputs_of_layer) != 1:
            return ()
        (output,) = outputs_of_layer
        arranged_output, axis = recorded.arrange(output.detach(), len(x), name, grid), recorded.sample_axis(output, grid)
        layer_gradients = query.without_rule().gradients(scores, output, name, retain_graph=True, sample_axis=axis)
        layer_gradients = recorded.arrange(layer_gradients, len(scores), name, grid)
        if layer is None and not has_nonzero(layer_gradients):
            return ()
        return scores.detach(), arranged_output, layer_gradients, query.gradients(scores, leaf, *DESCRIPTION_AND_NAME)
    except SaliencyError:
        return ()


def _outputs_from_input(outputs: list[torch.Tensor], leaf: torch.Tensor) -> list[torch.Tensor]:
    """Return the outputs of a layer's calls that depend on the model's input, except those that a later call follows."""
    ancestors = [set(find_nodes(output)) for output in outputs]
    followed = [
        any(output.grad_fn in later and other is not output for other, later in zip(outputs, ancestors, strict=True))
        for output in outputs
    ]
    triples = zip(outputs, ancestors, followed, strict=True)
    return [
        output
        for output, nodes, is_followed in triples
        if not is_followed and any(getattr(node, "variable", None) is leaf for node in nodes)
    ]


def make_leaf(x: torch.Tensor) -> torch.Tensor:
    """Return inputs as a leaf of a new graph."""
    return (x.clone() if x.is_inference() else x.detach()).requires_grad_()

"""Find the last layer with the input's positions while the graph that evaluates it is built."""

from typing import Any

import tensorflow as tf

from saliency.core.errors import TargetError
from saliency.core.position_grid import PositionGrid
from saliency.tf.eager.forward import ForwardPass
from saliency.tf.eager.model_layers import ModelLayers
from saliency.tf.ops.graph_info import GraphInfo
from saliency.tf.ops.layer_candidates import find_candidates, has_gradient_on_grid, last_candidate
from saliency.tf.ops.spatial_layout import SpatialLayout


def find_last_layer(
    layers: ModelLayers, info: GraphInfo, forward_pass: ForwardPass, x: Any, scores: Any, layout: SpatialLayout
) -> tuple[Any, PositionGrid | None, list[Any]]:
    """Return the output of the last layer with a grid on a path to the scores, and record the layer's name in ``info``.

    Args:
        layers: of the model.
        info: of the graph.
        forward_pass: with the outputs of all layers.
        x: the input's tensor.
        scores: the scores.
        layout: of the input.

    Returns:
        The output; its grid; and for each layer of ``info.passed_over``, whether any gradient by its output is not zero.

    Raises:
        TargetError: if there is no such layer.
    """
    outputs, grids = find_candidates(layers.outputs(forward_pass, x, scores), x, scores, layout)
    info.last_layer, later = last_candidate(outputs, grids, scores)
    if info.last_layer is None:
        raise TargetError("the score depends on no layer with a grid of positions")
    gradients = tf.gradients(scores, [outputs[name] for name in later]) if later else []
    reached = {name: one for name, one in zip(later, gradients, strict=True) if one is not None}
    info.passed_over = [(name, tuple(outputs[name].shape)) for name in reached]
    return outputs[info.last_layer], grids[info.last_layer], [has_gradient_on_grid(one, None) for one in reached.values()]

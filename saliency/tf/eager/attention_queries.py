"""Queries on the attention of a model."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from saliency.core.adapter_request import Request
from saliency.core.attention import AttentionLayers, Gradients, readout_of
from saliency.core.errors import GradientError
from saliency.core.token_layout import TokenLayout
from saliency.tf.eager.model_outputs import ModelOutputs
from saliency.tf.eager.query_runner import QueryRunner, empty_rows
from saliency.tf.ops.attention_operations import arrange_weights, find_attention
from saliency.tf.ops.custom_gradients import use_custom_gradients
from saliency.tf.ops.graph_info import GraphInfo
from saliency.tf.ops.graph_traversal import operations_between
from saliency.tf.ops.layer_scores import starts_by_layer
from saliency.tf.ops.scores import BackwardStart, backpropagate
from saliency.tf.ops.spatial_layout import SpatialLayout
from saliency.tf.positions.attention_tracker import AttentionTracker


class AttentionQueries:
    """The queries on the attention of one model.

    Args:
        outputs: reads the model's outputs and layers.
        runner: runs queries.
    """

    def __init__(self, outputs: ModelOutputs, runner: QueryRunner) -> None:
        self._outputs, self._runner = outputs, runner

    def attentions(self, x: Any, request: Request, layout: SpatialLayout, gradients: Gradients) -> AttentionLayers:
        """Return the attention of inputs; see ``GradientAdapter.attentions``."""
        with_gradients = gradients != "none"
        target, times, dtype = request.target, request.target.per_input(x.shape[0]), self._outputs.model.float_dtype

        def build(info: GraphInfo, x: Any, feed: Mapping[str, Any], *places: Any) -> Any:
            forward_pass = self._outputs.layers.run(info, x, feed, target.layers)
            output = self._outputs.target_output(forward_pass, x, target, info)
            scores = self._outputs.scores(output, x, target, times, *places)
            between = operations_between(x, scores.values)
            operations = [op for op in x.graph.get_operations() if op in between]
            tracker = layout.follow(x, [scores.values])
            attention, samples = AttentionTracker(tracker, operations).attention, tf.shape(x)[0]
            count = tracker.samples if layout.stated is None else 1  # see ``attention_maps``
            layers, info.token_grid = find_attention(operations, attention, count, layout.stated)
            weights = [arrange_weights(one, arranged, samples) for one, arranged in layers]
            if gradients == "own":
                own = starts_by_layer(x, scores.starts, [one for one, _ in layers])
                found = [_gradients(starts, x, [layer], samples)[0] for starts, layer in zip(own, layers, strict=True)]
            else:
                found = _gradients(scores.starts, x, layers if with_gradients else layers[-1:], samples)
            arrays = [readout_of(tnp, found[-1]), *weights, *(found if with_gradients else [])]
            return empty_rows(output, target), scores.values, *[tf.cast(one, dtype) for one in arrays]

        key = ("attention", *self._outputs.target_key(target), times, layout, gradients)
        info, arrays = self._runner.run(key, build, x, request)
        return AttentionLayers.of(arrays, with_gradients, info.token_grid)


def _gradients(starts: Sequence[BackwardStart], x: Any, layers: Sequence[tuple[Any, TokenLayout]], samples: Any) -> list[Any]:
    """Return the gradients by the weights of each layer, (N * T, heads, tokens, tokens).

    Raises:
        GradientError: if a score depends on none of the layers.
    """
    passes = []
    for start in starts:
        with use_custom_gradients(x, start[0]):
            found = backpropagate(start, [weights for weights, _ in layers])
        if all(one is None for one in found):
            raise GradientError(
                "the score does not depend on the model's attention: no path leads from one to the other. Choose another "
                "target"
            )
        passes.append(
            [
                arrange_weights(tf.zeros_like(weights) if one is None else tf.convert_to_tensor(one), layout, samples)
                for one, (weights, layout) in zip(found, layers, strict=True)
            ]
        )
    if len(passes) == 1:
        return passes[0]
    return [tf.reshape(tf.stack(of_layer, 1), [-1, *of_layer[0].shape[1:]]) for of_layer in zip(*passes, strict=True)]

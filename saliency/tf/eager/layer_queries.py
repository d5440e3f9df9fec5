"""Queries on a layer of a model: its output, the gradients by it, and the layers that could be chosen, one graph each."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import tensorflow as tf

from saliency.core.adapter_request import Request
from saliency.core.types import Rule
from saliency.tf.eager.last_layer_search import find_last_layer
from saliency.tf.eager.model_outputs import ModelOutputs
from saliency.tf.eager.query_runner import QueryRunner, empty_rows
from saliency.tf.ops.gradients import differentiate_scores
from saliency.tf.ops.graph_info import GraphInfo
from saliency.tf.ops.last_spatial_layer import CalledLayer, read_called_layers
from saliency.tf.ops.layer_candidates import find_candidates, gradient_flags, search_gradients
from saliency.tf.ops.relu_rules import apply_relu_rule
from saliency.tf.ops.scores import Scores
from saliency.tf.ops.spatial_layout import SpatialLayout

Feed: TypeAlias = Mapping[str, Any]

INPUT = "the input", "`x_value`"
"""The input in errors: in words, and by its name in the user's call."""


class LayerResult(NamedTuple):
    """What a query on a layer returns.

    Args:
        info: of its graph.
        tensors: the scores, the layer's output, the gradients by it, further gradients, and which gradients are not zero.
    """

    info: GraphInfo
    tensors: tuple[Any, ...]


class LayerQueries:
    """The queries on the layers of one model.

    Args:
        outputs: reads the model's outputs and layers.
        runner: runs the queries.
    """

    def __init__(self, outputs: ModelOutputs, runner: QueryRunner) -> None:
        self._outputs, self._runner = outputs, runner
        self._left_out: dict[Any, int] = {}

    def features(self, x: Any, request: Request, layout: SpatialLayout) -> LayerResult:
        """Return scores (N * T,), a layer's output (N, channels, *space) and the gradients (N * T, channels, *space).

        If the request names no layer, it is the last one with the input's positions on a path to the scores. The last result
        tells whether any of the gradients is not zero, and any of those by each layer of ``info.passed_over``.

        Raises:
            GradientError: if the scores do not depend on the layer.
            TargetError: if the layer's output has no grid, or there is no such layer.
        """

        def build_nothing(_info: GraphInfo, _x: Any, _scores: Scores) -> list[Any]:
            return []

        return self._at_layer("features", x, request, layout, request.rule, build_nothing)

    def features_and_gradients(self, x: Any, request: Request, layout: SpatialLayout) -> LayerResult:
        """Return ``features`` without the rule, and with the rule the input gradients (N * T, *input), in one pass."""

        def build_input_gradients(info: GraphInfo, x: Any, scores: Scores) -> list[Any]:
            with apply_relu_rule(info, x, scores.values, request.rule, request.allow_no_relu):
                return [differentiate_scores(scores.starts, x, INPUT[1])]

        return self._at_layer("features and gradients", x, request, layout, None, build_input_gradients)

    def _at_layer(
        self,
        kind: str,
        x: Any,
        request: Request,
        layout: SpatialLayout,
        rule: Rule | None,
        build_more: Callable[[GraphInfo, Any, Scores], list[Any]],
    ) -> LayerResult:
        """Differentiate with respect to a layer's output under ``rule``, and add the results of ``build_more``."""
        target, path, dtype = request.target, self._outputs.layers.path(request.layer), self._outputs.model.float_dtype
        times, allow_no_relu = target.per_input(x.shape[0]), request.allow_no_relu

        def build(info: GraphInfo, x: Any, feed: Feed, *places: Any) -> Any:
            forward_pass = self._outputs.layers.run(info, x, feed, [*target.layers, path], records_all=path is None)
            output = self._outputs.target_output(forward_pass, x, target, info)
            scores = self._outputs.scores(output, x, target, times, *places)
            if path is None:
                leaf, grid, later = find_last_layer(self._outputs.layers, info, forward_pass, x, scores.values, layout)
            else:
                leaf, later = self._outputs.layers.output(forward_pass, path, x), []
                grid = layout.grid_of(leaf, layout.follow(x, [leaf]))
            name = f"layer {info.last_layer if path is None else path!r}"
            with apply_relu_rule(info, leaf, scores.values, rule, allow_no_relu, name):
                axis, info.tokens_left_out = (0, 0) if grid is None else (grid.sample_axis, grid.left_out)
                features = layout.to_feature_map(leaf, name, grid)
                gradients = differentiate_scores(scores.starts, leaf, name, sample_axis=axis)
                gradients = layout.to_feature_map(gradients, name, grid)
            nonzero = tf.stack([tf.reduce_max(tf.abs(gradients)) > 0, *later])  # several times as fast as tf.reduce_any
            results = [tf.cast(result, dtype) for result in (features, gradients, *build_more(info, x, scores))]
            return empty_rows(output, target), scores.values, *results, nonzero

        key = (kind, *self._outputs.target_key(target), times, path, layout, allow_no_relu)
        info, results = self._runner.run(key, build, x, request, request.rule)
        self._left_out[path or info.last_layer, layout] = info.tokens_left_out
        return LayerResult(info, tuple(results))

    def tokens_left_out(self, layer: Any, layout: SpatialLayout) -> int | None:
        """Return how many tokens of an evaluated layer are outside its grid."""
        path = layer if isinstance(layer, str) and (layer, layout) in self._left_out else self._outputs.layers.path(layer)
        return self._left_out.get((path, layout))

    def called_layers(self, x: Any, request: Request, layout: SpatialLayout) -> dict[Any, CalledLayer]:
        """Return the layers that may hold the input's positions and that the scores depend on, in the order of their calls.

        For a model without layers, return its operations.
        """
        target = request.target
        times = target.per_input(x.shape[0])

        def build(info: GraphInfo, x: Any, feed: Feed, *places: Any) -> Any:
            forward_pass = self._outputs.layers.run(info, x, feed, target.layers, records_all=True)
            output = self._outputs.target_output(forward_pass, x, target, info)
            scores = self._outputs.scores(output, x, target, times, *places).values
            outputs = self._outputs.layers.outputs(forward_pass, x, scores)
            outputs, grids = find_candidates(outputs, x, scores, layout)
            gradients = search_gradients(scores, list(outputs.values()))
            reached = {name: one for name, one in zip(outputs, gradients, strict=True) if one is not None}
            info.layers = {name: (tuple(outputs[name].shape), grids[name] is not None) for name in reached}
            flags = [gradient_flags(one, grids[name]) for name, one in reached.items()]
            return empty_rows(output, target), *flags

        key = ("layers", *self._outputs.target_key(target), times, layout)
        info, flags = self._runner.run(key, build, x, request)
        return read_called_layers(info.layers, flags)

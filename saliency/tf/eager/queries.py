"""Queries on a model: outputs, scores, input gradients and layer gradients, one graph each."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import tensorflow as tf

from saliency.core.adapter_request import Request
from saliency.core.errors import TargetError
from saliency.core.types import Rule
from saliency.tf.eager.attention_queries import AttentionQueries
from saliency.tf.eager.last_layer_search import find_last_layer
from saliency.tf.eager.model_outputs import ModelOutputs
from saliency.tf.eager.multiplier_query import evaluate_multipliers
from saliency.tf.eager.query_runner import QueryRunner, empty_rows
from saliency.tf.eager.request_rules import RequestRules
from saliency.tf.eager.trace_cache import TraceCache
from saliency.tf.ops.gradients import differentiate_scores
from saliency.tf.ops.graph_info import GraphInfo
from saliency.tf.ops.last_spatial_layer import CalledLayer
from saliency.tf.ops.layer_candidates import find_candidates, has_gradient_on_grid
from saliency.tf.ops.relu_rules import apply_relu_rule
from saliency.tf.ops.scores import Scores
from saliency.tf.ops.spatial_layout import SpatialLayout
from saliency.tf.ops.tensor_replacement import replace_tensor

Feed: TypeAlias = Mapping[str, Any]


class LayerResult(NamedTuple):
    """What a query on a layer returns.

    Args:
        info: of its graph.
        tensors: the scores, the layer's output, the gradients by it, further gradients, and which gradients are not zero.
    """

    info: GraphInfo
    tensors: tuple[Any, ...]


INPUT = "the input", "`x_value`"
"""The input in errors: in words, and by its name in the user's call."""


class ModelQueries:
    """The queries on one model.

    Args:
        outputs: reads the model's outputs and layers.
        traces: the model's traces.
        train_mode: accept operations in train mode without a warning.
    """

    def __init__(self, outputs: ModelOutputs, traces: TraceCache, train_mode: bool = False) -> None:
        self._outputs, self._runner = outputs, QueryRunner(outputs, traces, train_mode)
        self.attention = AttentionQueries(outputs, self._runner)
        self._left_out: dict[Any, int] = {}

    def outputs(self, x: Any, request: Request) -> Any:
        """Return the output that scores are read from: (N, channels, *space), or for a callable the model's own output."""
        return self._runner.outputs(x, request)

    def scores(self, x: Any, request: Request) -> Any:
        """Return the scores (N * T,) of a target given by indices."""
        target = request.target
        times = target.per_input(x.shape[0])

        def build(info: GraphInfo, x: Any, feed: Feed, *places: Any) -> Any:
            output = self._outputs.target_output(self._outputs.run(info, x, feed, target.layers), x, target, info)
            return empty_rows(output, target), self._outputs.scores(output, x, target, times, *places).values

        return self._runner.run(("scores", *self._outputs.target_key(target), times), build, x, request)[1][0]

    def gradients(self, x: Any, request: Request) -> tuple[Any, Any]:
        """Return scores (N * T,) and their gradients with respect to the input (N * T, *input), or to ``request.at``."""
        if request.at is not None:
            scores, _, gradients = self.values_and_gradients_at(x, request)
            return scores, gradients
        target, times, rules = request.target, request.target.per_input(x.shape[0]), RequestRules.of(request)

        def build(info: GraphInfo, x: Any, feed: Feed, *tensors: Any) -> Any:
            tensors, places = tensors[: len(rules.tensors)], tensors[len(rules.tensors) :]
            forward_pass = self._outputs.run(info, x, feed, target.layers)
            output = self._outputs.target_output(forward_pass, x, target, info)
            scores = self._outputs.scores(output, x, target, times, *places)
            with rules.applied(info, x, scores, tensors, INPUT[0]):
                gradients = differentiate_scores(scores.starts, x, INPUT[1])
            return empty_rows(output, target), scores.values, tf.cast(gradients, self._outputs.model.float_dtype)

        key = ("gradients", *self._outputs.target_key(target), times, *rules.key)
        _, (scores, gradients) = self._runner.run(key, build, x, request, request.rule, rules.tensors, rules.functions)
        return scores, gradients

    def multipliers(self, x: Any, request: Request) -> tuple[Any, Any, Any]:
        """Return scores (N * T,), scores at ``request.baseline``, and the multipliers of DeepLIFT (N * T, *input)."""
        return evaluate_multipliers(self._outputs, self._runner, x, request)

    def values_and_gradients_at(self, x: Any, request: Request) -> tuple[Any, Any, Any]:
        """Return scores (N * T,), the values (N, ...) at ``request.at``, and the gradients (N * T, ...) by them."""
        target, (path, is_output) = request.target, self._outputs.at_place(request.at)
        times, replaced = target.per_input(x.shape[0]), () if request.at_values is None else (request.at_values,)
        rules = RequestRules.of(request)
        end, dtype = f"the {'output' if is_output else 'input'} of layer {path!r}", self._outputs.model.float_dtype

        def build(info: GraphInfo, x: Any, feed: Feed, *tensors: Any) -> Any:
            layers = [*target.layers, path] if is_output else target.layers
            forward_pass = self._outputs.run(info, x, feed, layers, None if is_output else path)
            leaf, op = self._outputs.layer_input_or_output(forward_pass, x, path, is_output)
            if replaced:
                leaf = replace_tensor(leaf, tensors[0], op)
            output = self._outputs.target_output(forward_pass, x, target, info)
            scores = self._outputs.scores(output, x, target, times, *tensors[len(replaced) :])
            with rules.applied(info, leaf, scores, (), end):
                gradients = differentiate_scores(scores.starts, leaf, end, op)
            return empty_rows(output, target), scores.values, tf.cast(leaf, dtype), tf.cast(gradients, dtype)

        key = ("gradients", *self._outputs.target_key(target), times, *rules.key, path, is_output, len(replaced))
        results = self._runner.run(key, build, x, request, request.rule, replaced, rules.functions)
        scores, values, gradients = results[1]
        if gradients.shape[:1] != scores.shape[:1]:
            verb, shape = "outputs" if is_output else "takes", tuple(gradients.shape)
            raise TargetError(
                f"layer {path!r} {verb} the shape {shape} for {len(scores)} score(s); `at` needs one row for each score"
            )
        return scores, values, gradients

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
        target, path, dtype = request.target, self._outputs.layer_path(request.layer), self._outputs.model.float_dtype
        times, allow_no_relu = target.per_input(x.shape[0]), request.allow_no_relu

        def build(info: GraphInfo, x: Any, feed: Feed, *places: Any) -> Any:
            forward_pass = self._outputs.run(info, x, feed, [*target.layers, path], records_all=path is None)
            output = self._outputs.target_output(forward_pass, x, target, info)
            scores = self._outputs.scores(output, x, target, times, *places)
            if path is None:
                leaf, grid, later = find_last_layer(self._outputs, info, forward_pass, x, scores.values, layout)
            else:
                leaf, later = self._outputs.layer_output(forward_pass, path, x), []
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
        path = layer if isinstance(layer, str) and (layer, layout) in self._left_out else self._outputs.layer_path(layer)
        return self._left_out.get((path, layout))

    def called_layers(self, x: Any, request: Request, layout: SpatialLayout) -> dict[Any, CalledLayer]:
        """Return the layers that may hold the input's positions and that the scores depend on, in the order of their calls.

        For a model without layers, return its operations.
        """
        target = request.target
        times = target.per_input(x.shape[0])

        def build(info: GraphInfo, x: Any, feed: Feed, *places: Any) -> Any:
            forward_pass = self._outputs.run(info, x, feed, target.layers, records_all=True)
            output = self._outputs.target_output(forward_pass, x, target, info)
            scores = self._outputs.scores(output, x, target, times, *places).values
            outputs = self._outputs.layer_outputs(forward_pass, x, scores)
            outputs, grids = find_candidates(outputs, x, scores, layout)
            gradients = tf.gradients(scores, list(outputs.values())) if outputs else []
            reached = {name: one for name, one in zip(outputs, gradients, strict=True) if one is not None}
            info.layers = {name: (tuple(outputs[name].shape), grids[name] is not None) for name in reached}
            nonzero = [has_gradient_on_grid(one, grids[name]) for name, one in reached.items()]
            return empty_rows(output, target), *nonzero

        key = ("layers", *self._outputs.target_key(target), times, layout)
        info, nonzero = self._runner.run(key, build, x, request)
        return {name: CalledLayer(*each, bool(one)) for (name, each), one in zip(info.layers.items(), nonzero, strict=True)}

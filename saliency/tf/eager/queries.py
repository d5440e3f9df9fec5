"""Queries on a model: outputs, scores and input gradients, one graph each."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import tensorflow as tf

from saliency.core.adapter_request import Request
from saliency.core.errors import TargetError
from saliency.tf.eager.attention_queries import AttentionQueries
from saliency.tf.eager.layer_queries import INPUT, LayerQueries
from saliency.tf.eager.model_outputs import ModelOutputs
from saliency.tf.eager.multiplier_query import evaluate_multipliers
from saliency.tf.eager.query_runner import QueryRunner, empty_rows
from saliency.tf.eager.request_rules import RequestRules
from saliency.tf.eager.trace_cache import TraceCache
from saliency.tf.ops.gradients import differentiate_scores
from saliency.tf.ops.graph_info import GraphInfo
from saliency.tf.ops.tensor_replacement import replace_tensor

Feed: TypeAlias = Mapping[str, Any]


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
        self.layers = LayerQueries(outputs, self._runner)

    def outputs(self, x: Any, request: Request) -> Any:
        """Return the output that scores are read from: (N, channels, *space), or for a callable the model's own output."""
        return self._runner.outputs(x, request)

    def scores(self, x: Any, request: Request) -> Any:
        """Return the scores (N * T,) of a target given by indices."""
        target = request.target
        times = target.per_input(x.shape[0])

        def build(info: GraphInfo, x: Any, feed: Feed, *places: Any) -> Any:
            output = self._outputs.target_output(self._outputs.layers.run(info, x, feed, target.layers), x, target, info)
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
            forward_pass = self._outputs.layers.run(info, x, feed, target.layers)
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
        target, (path, is_output) = request.target, self._outputs.layers.at_place(request.at)
        times, replaced = target.per_input(x.shape[0]), () if request.at_values is None else (request.at_values,)
        rules = RequestRules.of(request)
        end, dtype = f"the {'output' if is_output else 'input'} of layer {path!r}", self._outputs.model.float_dtype

        def build(info: GraphInfo, x: Any, feed: Feed, *tensors: Any) -> Any:
            layers = [*target.layers, path] if is_output else target.layers
            forward_pass = self._outputs.layers.run(info, x, feed, layers, None if is_output else path)
            leaf, op = self._outputs.layers.input_or_output(forward_pass, x, path, is_output)
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

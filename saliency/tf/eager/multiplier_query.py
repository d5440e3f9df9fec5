"""The query for the multipliers of DeepLIFT: the model at the input and at a baseline, in one graph."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from saliency.core.adapter_request import Request
from saliency.tf.eager.model_outputs import ModelOutputs
from saliency.tf.eager.query_runner import QueryRunner, empty_rows
from saliency.tf.ops.deeplift import apply_multiplier_rules
from saliency.tf.ops.gradients import differentiate_scores
from saliency.tf.ops.graph_info import GraphInfo


def evaluate_multipliers(outputs: ModelOutputs, runner: QueryRunner, x: Any, request: Request) -> tuple[Any, Any, Any]:
    """Return scores (N * T,), scores at the baseline, and multipliers (N * T, *input); see ``GradientAdapter.multipliers``."""
    target, times = request.target, request.target.per_input(x.shape[0])

    def build(info: GraphInfo, x: Any, feed: Mapping[str, Any], baseline: Any, *places: Any) -> Any:
        rows, scores = [], []
        baseline = tf.ensure_shape(baseline, x.shape)  # the model's operations may depend on the shape
        for values in (baseline, x):
            output = outputs.target_output(outputs.layers.run(info, values, feed, target.layers), values, target, info)
            rows.append(empty_rows(output, target))
            scores.append(outputs.scores(output, values, target, times, *places))
        starts, ends = ([tensor for tensor, _ in each.starts] for each in scores)
        with apply_multiplier_rules(x, ends, baseline, starts):
            multipliers = differentiate_scores(scores[1].starts, x, "`x_value`")
        return rows[1], scores[1].values, scores[0].values, tf.cast(multipliers, outputs.model.float_dtype)

    key = ("multipliers", *outputs.target_key(target), times)
    _, (scores, starts, multipliers) = runner.run(key, build, x, request, more=(request.baseline,))
    return scores, starts, multipliers

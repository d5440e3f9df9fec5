"""Run queries on a model: find the query's trace, check the target against it, and evaluate it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from saliency.core.adapter_request import Request
from saliency.core.detection_scores import KeptScore
from saliency.core.errors import ModelError
from saliency.core.target import Target
from saliency.core.types import Rule
from saliency.tf.eager.model_outputs import ModelOutputs
from saliency.tf.eager.trace_cache import TraceCache
from saliency.tf.eager.tracing import GraphBuilder
from saliency.tf.ops.graph_info import GraphInfo
from saliency.tf.ops.pre_softmax_logits import warn_of_hidden_logits
from saliency.tf.ops.relu_rules import warn_of_relus_in_gates
from saliency.tf.ops.train_mode_operations import warn_of_train_mode


class QueryRunner:
    """Runs queries on one model.

    Args:
        outputs: reads the model's outputs and layers.
        traces: the model's traces.
        train_mode: accept operations in train mode without a warning.
    """

    def __init__(self, outputs: ModelOutputs, traces: TraceCache, train_mode: bool) -> None:
        self._outputs, self._traces, self._accepts_train_mode = outputs, traces, train_mode

    def outputs(self, x: Any, request: Request) -> Any:
        """Return the output that scores are read from: (N, channels, *space), or for a callable the model's own output."""
        target, feed = request.target, request.feed

        def build(info: GraphInfo, x: Any, feed: Mapping[str, Any]) -> Any:
            return self._outputs.target_output(self._outputs.layers.run(info, x, feed, target.layers), x, target, info)

        trace = self._traces.get(("outputs", *self._outputs.target_key(target)), [], build, x, feed)
        self._warn(trace.info, None)
        return trace(x, feed)

    def run(
        self,
        key: tuple[Any, ...],
        builder: GraphBuilder,
        x: Any,
        request: Request,
        rule: Rule | None = None,
        more: tuple[Any, ...] = (),
        functions: tuple[Any, ...] = (),
    ) -> tuple[GraphInfo, Sequence[Any]]:
        """Return the info and the results of a query, whose graph returns the ``empty_rows`` of its output first.

        The builder receives the tensors of ``more`` before the places of the target. ``functions`` are further objects of the
        user that become part of the graph.
        """
        target, feed = request.target, request.feed
        key, own = (*key, rule if isinstance(rule, str) else callable(rule)), [*functions, *([rule] if callable(rule) else [])]
        if isinstance(target.function, KeptScore) and target.rows is not None:
            more = (*more, *map(tf.constant, target.function.places(target.rows, x.shape[0])))
            key = (*key, target.function)
        elif target.function is not None:
            own = [target.function, *own]
        if target.function is not None:  # its scores are checked while the graph is built
            trace = self._traces.get(key, own, builder, x, feed, *more)
            self._warn(trace.info, rule)
            return trace.info, trace(x, feed, *more)[1:]
        places = tf.constant(target.positions(x.shape[0])), tf.constant(target.weights, self._outputs.model.float_dtype)
        trace = self._traces.get(key, own, builder, x, feed, *more, *places)
        self._warn(trace.info, rule)
        shape = trace.info.output_shape
        if None in shape[1:]:  # known only once the graph runs
            first = {name: value[:1] if np.ndim(value) else value for name, value in feed.items()}
            shape = self.outputs(x[:1], replace(request, feed=first)).shape
        target.check(shape)
        rows, *results = trace(x, feed, *more, *places)
        if rows.shape[0] != x.shape[0]:
            shape = (rows.shape[0], *trace.info.output_shape[1:])
            raise ModelError(
                f"the model's output has the shape {shape} for {x.shape[0]} input(s); it must be ({x.shape[0]}, ...)"
            )
        return trace.info, results

    def _warn(self, info: GraphInfo, rule: Rule | None) -> None:
        warn_of_hidden_logits(info)
        warn_of_relus_in_gates(info, rule)
        if not self._accepts_train_mode:
            warn_of_train_mode(info)


def empty_rows(output: Any, target: Target) -> Any:
    """Return an empty tensor with the output's number of rows: its shape is available without waiting for the device.

    For a callable target the output may be any structure, and the number of its scores is checked instead.
    """
    return tf.zeros([0]) if target.function is not None else output[:, :0]

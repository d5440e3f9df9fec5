"""Queries on a user's graph: outputs, input gradients and layer gradients, each built once."""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from saliency.core.adapter_request import Request
from saliency.core.errors import InputError, ModelError
from saliency.core.layer_axes import UsualAxes
from saliency.core.target import Target
from saliency.core.types import OutputOf
from saliency.tf.ops.custom_gradients import use_custom_gradients
from saliency.tf.ops.gradients import differentiate_scores
from saliency.tf.ops.graph_info import GraphInfo
from saliency.tf.ops.layer_candidates import find_candidates, gradient_flags, search_gradients
from saliency.tf.ops.operation_input import differentiable_input
from saliency.tf.ops.operation_lookup import outputs_between
from saliency.tf.ops.pre_softmax_logits import find_logits
from saliency.tf.ops.relu_rules import apply_relu_rule
from saliency.tf.ops.scores import backward_starts
from saliency.tf.ops.spatial_layout import SpatialLayout
from saliency.tf.ops.target_axes import layer_channels_first, output_channels_first
from saliency.tf.session.op_cache import QueryTensors, cached_ops
from saliency.tf.session.score_placeholders import ScorePlaceholders, add_scores
from saliency.tf.session.subgraph_copy import differentiable_copies, refuse_unsupported_loops
from saliency.tf.session.tensor_lookup import resolve_layer


@dataclass(frozen=True)
class GraphQueries:
    """The queries on one output and one input of a graph.

    Args:
        x: input tensor, (N or None, *input).
        y: output tensor: one number, (N,) or (N, classes, ...).
        float_dtype: type of the scores.
        channels_last: whether layers have their channels last.
    """

    x: Any
    y: Any
    float_dtype: Any
    channels_last: bool

    def score_source(self, target: Target) -> Any:
        """Return the tensor that a target's scores are read from: ``y``, or a layer's tensor."""
        return self.y if target.layer is None else resolve_layer(target.layer, self.x, self.y)

    def has_single_row(self, target: Target) -> bool:
        """Tell whether the tensor that a target reads has one row, whatever the number of inputs.

        Raises:
            InputError: if the tensor has neither one row nor a row for each input.
            ModelError: if the tensor's number of axes is unknown.
        """
        tensor = self.score_source(target)
        shape, batch = tensor.shape, None if self.x.shape.rank is None else self.x.shape.as_list()[0]
        if shape.rank is None:
            raise ModelError(f"`y` ({tensor.name!r}) has an unknown number of axes; set its shape with tf.ensure_shape")
        rows = shape.as_list()[0] if shape.rank else 1
        if rows not in (None, 1, batch) or (rows == 1 and batch not in (None, 1)):
            raise InputError(
                f"`y` ({tensor.name!r}, shape {tuple(shape.as_list())}) must be one number, or have a row for each row of "
                f"`x` ({self.x.name!r}, {batch or 'any number of'} rows)"
            )
        return rows == 1

    def outputs(self, target: Target) -> QueryTensors:
        """Return the tensors [output (n, channels, *space)]."""
        tensor = self.score_source(target)

        def build(info: GraphInfo) -> list[Any]:
            (source,) = differentiable_copies(self.x, [tensor]) if target.logits else [tensor]
            return [self._output(source, target, info)]

        return cached_ops(self.x.graph, ("outputs", *self._target_key(target), target.units.shape[-1]), build)

    def gradients(self, request: Request, targets_per_input: int) -> QueryTensors:
        """Return the tensors [*score placeholders, scores (n * T,), gradients (n * T, ...)].

        The gradients are with respect to the input, or to the input or output of the operation ``request.at``.
        """
        target, at = request.target, request.at
        tensor = self.score_source(target)
        is_output = isinstance(at, OutputOf)
        at_tensor = None
        if at is not None:
            at_tensor = resolve_layer(at.layer if is_output else at, self.x, self.y, "at", scopes=False)
        end = "output" if is_output else "input"
        in_words, name = ("the input", "`x_value`") if at_tensor is None else (f"the {end} of {at_tensor.op.name!r}",) * 2
        if at_tensor is not None and not is_output:
            differentiable_input(self.x, at_tensor.op)  # checked here, because copies do not contain function calls

        def build(info: GraphInfo) -> list[Any]:
            leaf, op = self.x, None
            if at_tensor is None:
                (source,) = differentiable_copies(self.x, [tensor])
            else:
                source, at_copy = differentiable_copies(self.x, [tensor, at_tensor])
                leaf, op = (at_copy, None) if is_output else differentiable_input(self.x, at_copy.op)
            scores, placeholders = self._scores(source, target, info)
            with apply_relu_rule(info, leaf, scores, request.rule, request.allow_no_relu, in_words):
                gradients = differentiate_scores(backward_starts(scores, targets_per_input), leaf, name, op)
            return [*placeholders, scores, gradients]

        key = ("gradients", *self._score_key(request, targets_per_input), is_output)
        return cached_ops(self.x.graph, (*key, None if at_tensor is None else at_tensor.name), build)

    def features(self, request: Request, targets_per_input: int, layer: Any, name: str) -> QueryTensors:
        """Return the tensors of ``gradients``, with respect to a layer's tensor, and this tensor (n, ...)."""
        target = request.target
        tensor = self.score_source(target)

        def build(info: GraphInfo) -> list[Any]:
            source, leaf = differentiable_copies(self.x, [tensor, layer])
            scores, placeholders = self._scores(source, target, info)
            with apply_relu_rule(info, leaf, scores, request.rule, request.allow_no_relu, name):
                gradients = differentiate_scores(backward_starts(scores, targets_per_input), leaf, name)
            return [*placeholders, scores, gradients, tf.convert_to_tensor(leaf)]

        key = ("features", *self._score_key(request, targets_per_input), layer.name)
        return cached_ops(self.x.graph, key, build)

    def layers(self, target: Target, layout: SpatialLayout) -> QueryTensors:
        """Return the tensors [*score placeholders, *whether any gradient of the layer's positions is not zero].

        The layers are the operations that output the input's positions, or tokens, in the order of their creation. The info
        describes them.
        """
        tensor = self.score_source(target)

        def build(info: GraphInfo) -> list[Any]:
            outputs = {name: one for name, one in outputs_between(self.x, tensor).items() if not _is_in_control_flow(one)}
            outputs, grids = find_candidates(outputs, self.x, tensor, layout)
            source, *copies = differentiable_copies(self.x, [tensor, *outputs.values()])
            scores, placeholders = self._scores(source, target, info)
            with use_custom_gradients(self.x, scores):
                gradients = search_gradients(scores, copies)
            reached = {name: one for name, one in zip(outputs, gradients, strict=True) if one is not None}
            shapes = {name: tuple(outputs[name].shape.as_list()) for name in reached}
            info.layers = {name: (shapes[name], grids[name] is not None) for name in reached}
            return [*placeholders, *(gradient_flags(one, grids[name]) for name, one in reached.items())]

        key = ("layers", *self._target_key(target), target.units.shape[-1], layout)
        return cached_ops(self.x.graph, key, build)

    def _target_key(self, target: Target) -> tuple[Any, ...]:
        """Return what an output's operations depend on."""
        layer = None if target.layer is None else self.score_source(target).name
        return self.x.name, self.y.name, layer, target.logits, self.channels_last, target.channel_axis, self.float_dtype.name

    def _score_key(self, request: Request, targets_per_input: int) -> tuple[Any, ...]:
        """Return what the operations of scores and their gradients depend on."""
        target, rule, allow_no_relu = request.target, request.rule, request.allow_no_relu
        return *self._target_key(target), target.units.shape[-1], targets_per_input, rule, allow_no_relu

    def _output(self, tensor: Any, target: Target, info: GraphInfo) -> Any:
        """Return a tensor as (n, channels, *space). Logits are looked for if it has a class axis."""
        rank = tensor.shape.rank
        if target.logits and target.layer is None and rank > 1:
            tensor, info.hidden_logits = find_logits(tensor)
        tensor = tf.cast(tensor, self.float_dtype)
        if rank < 2:
            return tf.reshape(tensor, (-1, 1))
        if target.layer is not None:
            return self._layer_channels_first(tensor, target)
        axis = None if self.x.shape.rank == 3 else -1 if self.channels_last else 0  # (N, H, W) or (N, length, channels)
        return output_channels_first(tensor, self.score_source(target), self.x, axis, False, target)

    def _layer_channels_first(self, output: Any, target: Target) -> Any:
        """Return the output of the layer that a target names, or a copy of it, as (n, channels, *space)."""
        shape, channel_axis = self.x.shape, -1 if self.channels_last else 0
        layout = SpatialLayout.of_input(shape, channel_axis) if shape.rank and None not in shape[1:] else None
        ranks = {shape.rank, shape.rank + 1} if shape.rank == 3 else {shape.rank} if shape.rank else set()
        usual, source = UsualAxes(frozenset(ranks - {2}), self.channels_last), self.score_source(target)
        names_unit = target.units.shape[-1] > 1
        return layer_channels_first(output, source, self.x, layout, usual, target.layer, names_unit)

    def _scores(self, tensor: Any, target: Target, info: GraphInfo) -> tuple[Any, ScorePlaceholders]:
        """Return the scores and placeholders of ``add_scores`` for a target of this tensor."""
        refuse_unsupported_loops(self.x, [tensor])
        output = self._output(tensor, target, info)
        info.output_shape = tuple(output.shape.as_list())
        return add_scores(output, target.units.shape[-1] + 1)


def _is_in_control_flow(tensor: Any) -> bool:
    return tensor.op._get_control_flow_context() is not None  # TensorFlow 1 has no gradients inside loops

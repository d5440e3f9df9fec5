"""What is asked of a user's graph: an output, its gradients, and those by a layer. Each is built once."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeAlias

import tensorflow as tf

from saliency.core.errors import InputError, ModelError
from saliency.core.request import Request
from saliency.core.target import Target
from saliency.core.types import OutputOf
from saliency.tf.eager.tracing import Notes
from saliency.tf.ops.gradients import differentiate
from saliency.tf.ops.logits import logits_of
from saliency.tf.ops.operation_input import input_of
from saliency.tf.ops.operations import candidates
from saliency.tf.ops.relu_rules import ruled
from saliency.tf.ops.scores import columns
from saliency.tf.ops.spatial_layout import channels_first
from saliency.tf.session.op_cache import built
from saliency.tf.session.score_placeholders import scores_of
from saliency.tf.session.subgraph_copy import check_loops, own
from saliency.tf.session.tensor_lookup import layer_of

Answer: TypeAlias = tuple[list[Any], Notes]
"""Tensors, and what was noticed while they were built."""


@dataclass(frozen=True)
class GraphQuestions:
    """The questions that are asked of one output and one input.

    Args:
        x: tensor, (N or None, *input).
        y: tensor: one number, (N,) or (N, classes, ...).
        counted_in: type of scores.
        last: whether channels stand last.
    """

    x: Any
    y: Any
    counted_in: Any
    last: bool

    def read_from(self, target: Target) -> Any:
        """Return the tensor that a target's scores are read off: ``y``, or a layer's."""
        return self.y if target.layer is None else layer_of(target.layer, self.x, self.y)

    def one_row(self, target: Target) -> bool:
        """Tell whether this tensor is of a single input, however many there are.

        Raises:
            InputError: if it is neither that nor of each of them.
        """
        tensor = self.read_from(target)
        shape, batch = tensor.shape, None if self.x.shape.rank is None else self.x.shape.as_list()[0]
        if shape.rank is None:
            raise ModelError(f"`y` ({tensor.name!r}) has an unknown number of axes; tf.ensure_shape tells it")
        rows = shape.as_list()[0] if shape.rank else 1
        if rows not in (None, 1, batch) or (rows == 1 and batch not in (None, 1)):
            raise InputError(
                f"`y` ({tensor.name!r}, shape {tuple(shape.as_list())}) must be one number, or have a row for each "
                f"of those in `x` ({self.x.name!r}, {batch or 'any number'} at a time)"
            )
        return rows == 1

    def outputs(self, target: Target) -> Answer:
        """Answer [output (n, channels, *space)]."""
        tensor = self.read_from(target)

        def build(notes: Notes) -> list[Any]:
            (end,) = own(self.x, [tensor]) if target.logits else [tensor]
            return [self._seen(end, target, notes)]

        return built(self.x.graph, ("outputs", *self._about(target)), build)

    def gradients(self, request: Request, times: int) -> Answer:
        """Answer [the output's shape, places, weights, scores (n * times,), their gradients (n * times, *input)].

        ``at`` an operation, they are those by its input, or by its output, (n * times, ...).
        """
        target, at, rule, allow_no_relu = request.target, request.at, request.rule, request.allow_no_relu
        tensor = self.read_from(target)
        behind = isinstance(at, OutputOf)
        given = None if at is None else layer_of(at.layer if behind else at, self.x, self.y, "at", scopes=False)
        side = "output" if behind else "input"
        of, name = ("the input", "`x_value`") if given is None else (f"the {side} of {given.op.name!r}",) * 2
        if given is not None and not behind:
            input_of(self.x, given.op)  # before calls are laid open

        def build(notes: Notes) -> list[Any]:
            end, *own_given = own(self.x, [tensor] if given is None else [tensor, given])
            leaf, op = (own_given[0], None) if behind else input_of(self.x, own_given[0].op) if own_given else (self.x, None)
            scores, asked = self._scores(end, target, notes)
            with ruled(leaf, scores, rule, allow_no_relu, of):
                return [*asked, scores, differentiate(columns(scores, times), leaf, name, op)]

        about = ("gradients", *self._about(target), target.units.shape[-1], times, rule, allow_no_relu)
        return built(self.x.graph, (*about, behind, None if given is None else given.name), build)

    def features(self, request: Request, times: int, leaf: Any, name: str) -> Answer:
        """Answer as ``gradients``, with respect to a layer's tensor; and this tensor (n, ...)."""
        target, rule, allow_no_relu = request.target, request.rule, request.allow_no_relu
        tensor = self.read_from(target)

        def build(notes: Notes) -> list[Any]:
            end, own_leaf = own(self.x, [tensor, leaf])
            scores, asked = self._scores(end, target, notes)
            with ruled(own_leaf, scores, rule, allow_no_relu, name):
                return [*asked, scores, differentiate(columns(scores, times), own_leaf, name), tf.convert_to_tensor(own_leaf)]

        about = ("features", *self._about(target), target.units.shape[-1], times, leaf.name, rule, allow_no_relu)
        return built(self.x.graph, about, build)

    def layers(self, target: Target, ranks: Collection[int]) -> Answer:
        """Answer the first three of ``gradients``; then each layer's shape; then whether any of its gradients is not zero.

        Their names are noted. Layers are the operations of as many axes as ``ranks`` says, in the order of their making.
        """
        tensor = self.read_from(target)

        def build(notes: Notes) -> list[Any]:
            named = {name: one for name, one in candidates(self.x, tensor).items() if _may_be_map(one, ranks)}
            end, *found = own(self.x, [tensor, *named.values()])
            scores, asked = self._scores(end, target, notes)
            gradients = tf.gradients(scores, found) if found else []
            reached = [one for one in zip(named, found, gradients, strict=True) if one[2] is not None]
            notes["names"] = [name for name, _, _ in reached]
            shapes = [tf.shape(one) for _, one, _ in reached]
            return [*asked, *shapes, *(_counts(gradient) for _, _, gradient in reached)]

        about = ("layers", *self._about(target), target.units.shape[-1], tuple(sorted(ranks)))
        return built(self.x.graph, about, build)

    def _about(self, target: Target) -> tuple[Any, ...]:
        layer = None if target.layer is None else self.read_from(target).name
        return self.x.name, self.y.name, layer, target.logits, self.last, self.counted_in.name

    def _seen(self, tensor: Any, target: Target, notes: Notes) -> Any:
        """Return a tensor as (n, channels, *space); logits are looked for where it has a class for each of them."""
        rank, notes["hidden"] = tensor.shape.rank, False
        if target.logits and target.layer is None and rank > 1:
            tensor, notes["hidden"] = logits_of(tensor)
        tensor = tf.cast(tensor, self.counted_in)
        if rank < 2:
            return tf.reshape(tensor, (-1, 1))
        return channels_first(tensor) if self.last and rank > 2 else tensor

    def _scores(self, tensor: Any, target: Target, notes: Notes) -> tuple[Any, list[Any]]:
        """Return what ``scores_of`` does, for a tensor and a target."""
        check_loops(self.x, [tensor])
        seen = self._seen(tensor, target, notes)
        notes["shape"] = tuple(seen.shape.as_list())
        return scores_of(seen, target.units.shape[-1] + 1)


def _counts(gradient: Any) -> Any:
    return tf.reduce_any(tf.not_equal(tf.convert_to_tensor(gradient), 0))  # `!=` is another thing in the first version


def _may_be_map(tensor: Any, ranks: Collection[int]) -> bool:
    inside = tensor.op._get_control_flow_context() is not None  # of a loop of the first version, which has no gradient there
    return tensor.dtype.is_floating and tensor.shape.rank in ranks and not inside

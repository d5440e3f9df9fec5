"""Biases and batch norms behind a linear operation, which are computed as a part of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch.autograd.graph import Node

from saliency.torch.relevance.linear_operations import Linear
from saliency.torch.relevance.node_kinds import BATCH_NORMS, TRANSPOSITIONS, axis_order, kind_of
from saliency.torch.relevance.normalizations import batch_norm_scale
from saliency.torch.relevance.recorder import OperatorRecord, without_repetitions

Consumers = Mapping[Node, Sequence[Node]]
RESHAPES = {"View", "UnsafeView", "Reshape", "ReshapeAlias", "Unsqueeze", "Squeeze", "Alias", "Clone", "ToCopy"}
"""Nodes that keep the order of the values, so that the channel axis is where as many values lie before and behind."""

ARRANGING = RESHAPES | TRANSPOSITIONS


@dataclass(frozen=True)
class ChannelTerms:
    """A scale and a shift for each channel: ``scale * value + shift``.

    Args:
        axis: the axis of the channels, from the front.
        scale, shift: (channels,); None for 1 and 0.
        result: the values behind the last of them, if they are arranged as those of the linear operation.
        is_arranged: whether a reshape or a transposition has moved the values.
    """

    axis: int
    scale: torch.Tensor | None = None
    shift: torch.Tensor | None = None
    result: torch.Tensor | None = None
    is_arranged: bool = False

    def times(self, scale: torch.Tensor) -> "ChannelTerms":
        """Return the terms followed by a scale."""
        return replace(
            self,
            scale=scale if self.scale is None else self.scale * scale,
            shift=None if self.shift is None else self.shift * scale,
        )

    def plus(self, shift: torch.Tensor, result: torch.Tensor) -> "ChannelTerms":
        """Return the terms followed by a shift, behind which the values are ``result``."""
        shift = shift if self.shift is None else self.shift + shift
        return replace(self, shift=shift, result=None if self.is_arranged else result.detach())

    def behind(self, operation: Linear) -> Linear:
        """Return a linear operation followed by the terms, all in its own type."""
        dtype = operation.y.dtype
        scale, shift, result = (None if one is None else one.to(dtype) for one in (self.scale, self.shift, self.result))
        return operation if shift is None else operation.with_terms(scale, shift, result)


def with_following_terms(
    operation: Linear, node: Node, consumers: Consumers, records: Mapping[Node, OperatorRecord]
) -> tuple[Linear, list[Node]]:
    """Return a linear operation with the biases and the batch norm that are its only use, and the nodes of these.

    A factor counts only if a term follows it, as in a batch norm that is written out.

    Args:
        operation: without what follows it.
        node: of the operation.
        consumers: the nodes that use a node's output, for each node between the leaf and the scores.
        records: the recorded operators by node.
    """
    found: ChannelTerms | None = None
    tentative: ChannelTerms | None = ChannelTerms(operation.channel_axis)
    passed: list[Node] = []
    waiting: list[Node] = []
    last = node
    while tentative is not None and (following := _only_consumer(node, consumers)) is not None:
        tentative = _with_node(tentative, node, following, consumers, records)
        if tentative is None or (tentative.scale is not None and not operation.takes_scales):
            break
        node = following
        waiting.append(node)
        if kind_of(node) not in {*ARRANGING, "Mul", "Div"}:
            found, passed, waiting, last = tentative, [*passed, *waiting], [], node
    if found is not None:
        operation = found.behind(operation)
    operation.is_rectified = _is_rectified(last, consumers)
    return operation, passed


def _only_consumer(node: Node, consumers: Consumers) -> Node | None:
    """Return the node that is the only use of another one, with one variable input; None if there is no such node."""
    following = consumers[node]
    if len(following) != 1:
        return None
    return following[0] if sum(earlier in consumers for earlier, _ in following[0].next_functions) == 1 else None


def _is_rectified(node: Node, consumers: Consumers) -> bool:
    following = _only_consumer(node, consumers)
    while following is not None and kind_of(following) in ARRANGING:
        following = _only_consumer(following, consumers)
    return following is not None and following.name() == "ReluBackward0"


def _with_node(
    terms: ChannelTerms, earlier: Any, node: Any, consumers: Consumers, records: Mapping[Node, OperatorRecord]
) -> ChannelTerms | None:
    """Return terms followed by one more node; None if this is no scale or shift of channels."""
    kind, record = kind_of(node), records.get(node)
    place = next(i for i, (one, _) in enumerate(node.next_functions) if one in consumers)
    before, behind = earlier._input_metadata[0], node._input_metadata[0]
    shape, shape_behind = tuple(before.shape), tuple(behind.shape)
    if not behind.dtype.is_floating_point:
        return None
    if kind in ARRANGING:
        axis = _moved_axis(node, terms.axis, shape, shape_behind)
        return None if axis is None else replace(terms, axis=axis, is_arranged=True)
    if shape != shape_behind or place > 1:
        return None
    if record is not None and record.name in BATCH_NORMS:
        values = batch_norm_scale(record) if place == 0 and terms.axis == 1 else None
        return None if values is None else terms.times(values[0]).plus(values[1], record.result)
    if kind == "Mul" or (kind == "Div" and place == 0):
        scale = _by_channel(node._saved_self if place else node._saved_other, terms.axis, node)
        return None if scale is None else terms.times(1 / scale if kind == "Div" else scale)
    if record is None or record.kwargs.get("alpha", 1) != 1 or (kind, place) not in {("Add", 0), ("Add", 1), ("Sub", 0)}:
        return None
    shift = _by_channel(record.args[1 - place], terms.axis, node)
    return None if shift is None else terms.plus(-shift if kind == "Sub" else shift, record.result)


def _moved_axis(node: Any, axis: int, before: Sequence[int], behind: Sequence[int]) -> int | None:
    """Return where the channel axis is behind a node that arranges values; None if it is no axis any more."""
    if kind_of(node) in TRANSPOSITIONS:
        return axis_order(node, len(before)).index(axis)
    places = (i for i, size in enumerate(behind) if size == before[axis] and prod(behind[:i]) == prod(before[:axis]))
    return next((i for i in places if prod(behind) == prod(before)), None)


def _by_channel(values: Any, axis: int, node: Any) -> torch.Tensor | None:
    """Return a constant as one number for each channel of an output, (channels,); None if it differs within a channel."""
    if values is None:  # it is too large
        return None
    output = node._input_metadata[0]
    values = without_repetitions(values) if isinstance(values, torch.Tensor) else values
    numbers: torch.Tensor = torch.as_tensor(values, dtype=output.dtype, device=output.device).detach()
    shape = [1] * (len(output.shape) - numbers.ndim) + list(numbers.shape)
    if any(size != 1 and i != axis for i, size in enumerate(shape)):
        return None
    return numbers.reshape(-1).expand(int(output.shape[axis]))

"""Follow the positions of the input through the operations of a graph."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from saliency.tf.ops.graph_traversal import operations_after, operations_before, operations_between
from saliency.tf.positions.constants import constant_value
from saliency.tf.positions.grids import begin_grid
from saliency.tf.positions.intervals import along
from saliency.tf.positions.products import PRODUCTS, attention_operands
from saliency.tf.positions.rules import result_positions
from saliency.tf.positions.sources import UnknownShape
from saliency.tf.positions.state import Positions, Shape

UNREADABLE = (UnknownShape, ValueError, TypeError, IndexError, KeyError, AttributeError)
"""What a rule may raise for an operation that it does not fit; the result then has no positions."""

SAMPLES = 2
"""Number of samples of a graph that accepts any number; two show which axis is theirs."""


def _operations_on_indices(x: Any, results: Sequence[Any]) -> dict[Any, None]:
    """Return the operations between an input and results that no gradient reaches, because the input holds indices."""
    before = operations_before(results)
    return {op: None for op in operations_after(x) if op in before}


class PositionTracker:
    """The positions of the tensors between an input and some results.

    Views and transpositions move the positions with the data, element-wise operations keep them, sums unite them.
    Convolutions and poolings lay a new grid over the same part of the input. Attention keeps the positions of its queries.
    What has no position remains without one: latent vectors, a detector's queries, words, states, a decoder's units, and the
    results of other operations.

    Args:
        x: the input's tensor, (N, *input).
        shape: (N, *input); the lengths of the input are known here, also if those of the tensor are not.
        spatial_axes: the axes of ``x`` that are spatial.
        results: the tensors that are of interest.
        begins_grids: whether a convolution of a tensor without positions begins a grid. It tells the axis of the channels from
            the others, but is not a grid of the input.
    """

    def __init__(
        self,
        x: Any,
        shape: Sequence[int],
        spatial_axes: Sequence[int | None],
        results: Sequence[Any],
        begins_grids: bool = False,
    ) -> None:
        self._begins_grids, self._axes = begins_grids, len(spatial_axes)
        static = x.shape.as_list() if x.shape.rank is not None else [None]
        self.samples = int(static[0] or SAMPLES)
        self.attention: set[str] = set()  # the products that return queries, keys or values
        whole = (self.samples, *(int(length) for length in shape[1:]))
        axes = tuple(None if axis is None else along(axis, whole) for axis in (*spatial_axes, 0))
        self._found: dict[Any, Positions] = {x.ref(): Positions(whole, axes)}
        between = operations_between(x, list(results)) or _operations_on_indices(x, results)
        for op in x.graph.get_operations():
            if op in between:
                self._follow(op)

    def of(self, tensor: Any) -> Positions | None:
        """Return the positions of a tensor, or None."""
        return self._found.get(tensor.ref())

    def shape(self, tensor: Any) -> Shape | None:
        """Return the shape of a tensor, None if a length is not known."""
        positions = self.of(tensor)
        if positions is not None or tensor.shape.rank is None:
            return None if positions is None else positions.shape
        first, *others = tensor.shape.as_list() or [1]
        lengths = [self.samples if first is None else first, *others] if tensor.shape.rank else []
        return None if None in lengths else tuple(int(length) for length in lengths)

    def constant(self, tensor: Any) -> Any:
        """Return the value of an integer tensor as an array, None if it is not known."""
        return constant_value(tensor, self.shape)

    def is_inside_attention(self, tensor: Any) -> bool:
        """Return whether a tensor holds queries, keys, values, a matrix of attention or its result."""
        positions = self.of(tensor)
        return positions is not None and (
            positions.in_pairs or positions.attended or bool(positions.projections & self.attention)
        )

    def _follow(self, op: Any) -> None:
        found: Any = None
        with suppress(*UNREADABLE):
            found = result_positions(op, self)
        if self._begins_grids and not (isinstance(found, Positions) and found.has_space):
            found = begin_grid(op, self._axes, self.shape(op.outputs[0])) if op.outputs else None
        each = [found] if isinstance(found, Positions) else found or []
        for tensor, positions in zip(op.outputs, each, strict=False):
            if positions is not None and self._fits(tensor, positions):
                self._found[tensor.ref()] = positions
        if op.type in PRODUCTS:
            for operand in attention_operands(op, found, self):
                self.attention |= operand.projections

    @staticmethod
    def _fits(tensor: Any, positions: Positions) -> bool:
        return tensor.shape.is_compatible_with(positions.shape) or tensor.shape.rank is None

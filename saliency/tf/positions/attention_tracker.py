"""Follow the positions of queries and keys to the softmax of attention."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from saliency.core.token_layout import AttentionPositions
from saliency.tf.positions.intervals import varying_dims
from saliency.tf.positions.products import PRODUCTS, paired_positions
from saliency.tf.positions.reading import centers_of
from saliency.tf.positions.rules import result_positions
from saliency.tf.positions.state import Positions, Shape
from saliency.tf.positions.tracker import UNREADABLE, PositionTracker


class AttentionTracker:
    """The second positions of matrices of attention: those of the other factor, the keys or the queries.

    The first positions are those of the tracker. The same rules move both.

    Args:
        tracker: the positions of all tensors.
        operations: the operations between the input and the scores, in the order of the graph.
    """

    def __init__(self, tracker: PositionTracker, operations: Iterable[Any]) -> None:
        self._tracker = tracker
        self._second: dict[Any, Positions] = {}
        for op in operations:
            found: Any = None
            with suppress(*UNREADABLE):
                found = self._follow(op)
            each = [found] if isinstance(found, Positions) else found or []
            for tensor, positions in zip(op.outputs, each, strict=False):
                if positions is not None and positions.in_pairs:
                    self._second[tensor.ref()] = positions

    def of(self, tensor: Any) -> Positions | None:
        """Return the second positions of a tensor, or None."""
        return self._second.get(tensor.ref())

    def shape(self, tensor: Any) -> Shape | None:
        """Return the shape of a tensor, None if a length is not known."""
        return self._tracker.shape(tensor)

    def constant(self, tensor: Any) -> Any:
        """Return the value of an integer tensor as an array, None if it is not known."""
        return self._tracker.constant(tensor)

    def attention(self, weights: Any) -> AttentionPositions | None:
        """Return the positions of the queries and keys of a softmax's result; None if no key has a position."""
        first, second = self._tracker.of(weights), self.of(weights)
        if first is None:
            return None
        key_dim = len(first.shape) - 1
        if not _varies(first, key_dim) and (second is None or not _varies(second, key_dim)):
            return None
        keys, queries = (first, second) if _varies(first, key_dim) else (second, first)
        samples = first.axes[-1] if second is None or first.axes[-1] is not None else second.axes[-1]
        spatial = [[] if one is None else [centers_of(each) for each in one.axes[:-1]] for one in (queries, keys)]
        return AttentionPositions(first.shape, key_dim, spatial[0], spatial[1], centers_of(samples))

    def _follow(self, op: Any) -> Any:
        if any(tensor.ref() in self._second for tensor in op.inputs):
            return result_positions(op, self)
        first = self._tracker.of(op.outputs[0]) if op.type in PRODUCTS else None
        return paired_positions(op, self._tracker) if first is not None and first.in_pairs else None


def _varies(positions: Positions, dim: int) -> bool:
    return any(dim in varying_dims(one) for one in positions.axes[:-1] if one is not None)

"""What patches need of the activations of the clean inputs: results of one graph, inputs of another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any


class CleanMaps:
    """Tensors of the clean inputs, in the order in which a walk through the graph first needs them.

    Both graphs are built by the same walk. The first graph computes the tensors from the clean inputs, once. In the second
    graph, which runs for each batch of windows, they are inputs.

    Args:
        given: the tensors, in the second graph; None in the first one.
    """

    def __init__(self, given: Sequence[Any] | None = None) -> None:
        self._given: Iterator[Any] | None = None if given is None else iter(given)
        self._tensors: dict[tuple[str, object], Any] = {}

    def get(self, clean: Any, form: object, make: Callable[[Any], Any]) -> Any:
        """Return a tensor that is made from an activation of the clean inputs.

        Args:
            clean: the activation, a tensor of the model.
            form: what distinguishes the tensor from others of the same activation.
            make: makes the tensor, in the first graph.
        """
        key = clean.name, form
        if key not in self._tensors:
            made = make(clean)
            if self._given is not None:
                shape, made = made.shape, next(self._given)
                made.set_shape(shape)
            self._tensors[key] = made
        return self._tensors[key]

    @property
    def tensors(self) -> list[Any]:
        """Return all tensors so far."""
        return list(self._tensors.values())

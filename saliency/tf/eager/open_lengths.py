"""Lengths of layers' outputs that a trace leaves open, such as a number of tokens: one forward pass measures them."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from saliency.core.errors import SaliencyError


class OpenLengthsError(SaliencyError):
    """A graph that is being built needs lengths which are not measured yet."""


class MeasuredLengths:
    """The measured shapes of layers' outputs, for each kind of input."""

    def __init__(self) -> None:
        self._shapes: dict[Any, dict[Any, tuple[int, ...]]] = {}

    def add(self, x: Any, feed: Mapping[str, Any], shapes: Mapping[Any, tuple[int, ...]]) -> None:
        """Add the shapes (without the batch axis) of layers' outputs, by path."""
        self._shapes.setdefault(_kind(x, feed), {}).update(shapes)

    def close(self, output: Any, x: Any, feed: Mapping[str, Any], path: Any, gradient: Any = None) -> Any:
        """Return a layer's output, or a gradient with respect to it, with the measured lengths; the graph checks them.

        Raises:
            OpenLengthsError: if the output has open lengths that are not measured.
        """
        if not is_open(output):
            return output if gradient is None else gradient
        shapes = self._shapes.get(_kind(x, feed), {})
        if path not in shapes:
            raise OpenLengthsError(f"the lengths of {path!r} are open")
        return tf.ensure_shape(output if gradient is None else gradient, [None, *shapes[path]])


def is_open(output: Any) -> bool:
    """Tell whether a layer's output is a tensor of floats with open lengths besides the batch axis."""
    if not isinstance(output, tf.Tensor) or not output.dtype.is_floating or output.shape.rank is None:
        return False
    in_a_loop = output.graph is not tf.compat.v1.get_default_graph()
    return None in output.shape[1:] and not in_a_loop


def _kind(x: Any, feed: Mapping[str, Any]) -> Any:
    """Return what lengths depend on: the shapes of the inputs, without the batch axis."""
    shapes = {name: tuple(value.shape[1:]) if isinstance(value, tf.Tensor) else None for name, value in feed.items()}
    return tuple(x.shape[1:]), tuple(sorted(shapes.items()))

"""A model's forward pass as part of a graph, with everything that it calls laid open."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import tensorflow as tf

from saliency.tf.eager.function_inlining import imported
from saliency.tf.eager.layer_recorder import tapped
from saliency.tf.eager.models import Model
from saliency.tf.ops.graph_traversal import calls_in

Way: TypeAlias = Literal["as it is", "inlined", "imported"]
"""How what a model calls is laid open: it calls no functions; they run as Python; their graphs are taken in."""

WAYS: tuple[Way, ...] = ("as it is", "inlined", "imported")

LOCK = threading.RLock()
"""Held while a model is traced: layers are tapped, and a setting of the whole process may be changed."""


class CallsLeft(Exception):  # noqa: N818 - it is no error, but says that another way is to be tried
    """A traced model calls functions whose operations can't be seen."""


@dataclass(frozen=True)
class Pass:
    """What a forward pass gave.

    Args:
        output: of the model, as it gives it.
        calls: pairs of what was tapped, see ``tapped``, and its tensor, in the order of the calls.
    """

    output: Any
    calls: list[tuple[Any, Any]] = field(default_factory=list)


def forward(model: Model, way: Way, x: Any, feed: Mapping[str, Any], taps: Iterable[Any]) -> Pass:
    """Call a model within the graph that is being built.

    Args:
        model: of which kind ever.
        way: see ``Way``.
        x: (N, *input), a tensor of the graph.
        feed: the other inputs by name, tensors of the graph and plain values.
        taps: layers whose outputs are wanted, or inputs; see ``tapped``.

    Raises:
        CallsLeft: if this way leaves functions that are called.
    """
    x = x if model.input_type is None else tf.cast(x, model.input_type)
    if way == "imported":
        output, calls = imported(_recorded(model, taps), x, feed)
        return Pass(output, calls)
    with tapped(taps) as calls, _as_python(way == "inlined"):
        output = model.call(x, feed)
    if calls_in(tf.compat.v1.get_default_graph()):
        raise CallsLeft
    return Pass(output, calls)


def _recorded(model: Model, taps: Iterable[Any]) -> Callable[[Any, Mapping[str, Any]], tuple[Any, list[tuple[Any, Any]]]]:
    def call(x: Any, feed: Mapping[str, Any]) -> tuple[Any, list[tuple[Any, Any]]]:
        with tapped(taps) as calls:
            return model.call(x, feed), calls

    return call


@contextmanager
def _as_python(wanted: bool) -> Iterator[None]:
    """Run functions that were traced before as Python, so that their operations join the graph that is being built."""
    before = tf.config.functions_run_eagerly()
    if wanted:
        tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        if wanted:
            tf.config.run_functions_eagerly(before)

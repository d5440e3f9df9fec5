"""Run a model forward within a graph, so that the graph holds all of the model's operations."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from saliency.core.undo import Undo, undoable
from saliency.tf.eager.attribute_restore import preserve_attributes
from saliency.tf.eager.function_inlining import import_inlined
from saliency.tf.eager.layer_recorder import RecordedCalls, record_layers
from saliency.tf.eager.models import ModelFunction
from saliency.tf.ops.graph_traversal import function_calls

INLINING_MODES = ("none", "python", "import")
"""How operations inside called functions are exposed, in the order that is tried.

``none``: the model calls no functions. ``python``: the functions run as Python. ``import``: their graphs are imported.
"""


class FunctionCallsLeftError(Exception):
    """A traced model calls functions whose operations are hidden; the next inlining mode is to be tried."""


@dataclass(frozen=True)
class ForwardPass:
    """The results of a forward pass.

    Args:
        output: the model's output, unchanged.
        calls: the recorded layers and their tensors, see ``record_layers``.
    """

    output: Any
    calls: RecordedCalls = field(default_factory=list)


def run_forward(model: ModelFunction, inlining: str, x: Any, feed: Mapping[str, Any], layers: Iterable[Any]) -> ForwardPass:
    """Call a model within the graph that is being built.

    Args:
        model: the model.
        inlining: one of ``INLINING_MODES``.
        x: (N, *input), a tensor of the graph.
        feed: the other inputs by name, tensors of the graph and plain values.
        layers: the layers to record, see ``record_layers``.

    Raises:
        FunctionCallsLeftError: if the graph still calls functions.
    """
    with preserve_attributes(model.owner):
        return _run_forward(model, inlining, x, feed, layers)


def _run_forward(model: ModelFunction, inlining: str, x: Any, feed: Mapping[str, Any], layers: Iterable[Any]) -> ForwardPass:
    x = x if model.input_dtype is None else tf.cast(x, model.input_dtype)
    if inlining == "import":
        output, calls = import_inlined(_with_recording(model, layers), x, feed)
        return ForwardPass(output, calls)
    with record_layers(layers) as calls, _functions_as_python(inlining == "python"):
        output = model.call(x, feed)
    if function_calls(tf.compat.v1.get_default_graph()):
        raise FunctionCallsLeftError
    return ForwardPass(output, calls)


def _with_recording(
    model: ModelFunction, layers: Iterable[Any]
) -> Callable[[Any, Mapping[str, Any]], tuple[Any, RecordedCalls]]:
    def call(x: Any, feed: Mapping[str, Any]) -> tuple[Any, RecordedCalls]:
        with record_layers(layers) as calls:
            return model.call(x, feed), calls

    return call


@undoable
def _functions_as_python(undo: Undo, enabled: bool) -> None:
    """Run ``tf.function``s as Python within the block, so that their operations join the graph that is being built."""
    if enabled:
        undo.add(tf.config.run_functions_eagerly, tf.config.functions_run_eagerly())
        tf.config.run_functions_eagerly(True)

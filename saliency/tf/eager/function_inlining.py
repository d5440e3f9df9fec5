"""Functions that have a graph and no Python any more, as in a SavedModel, taken into another graph."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

Recorded = Callable[[Any, Mapping[str, Any]], tuple[Any, list[tuple[Any, Any]]]]


def imported(call: Recorded, x: Any, feed: Mapping[str, Any]) -> tuple[Any, list[tuple[Any, Any]]]:
    """Trace a function, put the bodies of what it calls in their places, and build it again in the current graph.

    Variables are the same, not copies: what is captured is captured again.

    Args:
        call: from x and the others to an output, and pairs of layers and their outputs.
        x: tensor of the current graph.
        feed: other tensors of it, and plain values.

    Returns:
        The same in the current graph.
    """
    graph, kept = tf.compat.v1.get_default_graph(), {}
    tensors = {name: value for name, value in feed.items() if isinstance(value, tf.Tensor)}
    plain = {name: value for name, value in feed.items() if name not in tensors}

    def trace(x: Any, tensors: Mapping[str, Any]) -> Any:
        output, calls = call(x, {**plain, **tensors})
        kept["layers"], kept["output"] = [layer for layer, _ in calls], output
        kept["named"] = [tensor.name for _, tensor in calls]
        return tf.nest.flatten(output)

    function = tf.function(trace, autograph=False).get_concrete_function(
        x=_spec(x), tensors={k: _spec(v) for k, v in tensors.items()}
    )
    inlined = _renamed(convert_to_constants._run_inline_graph_optimization(function, False, True))
    given = [x, *tf.nest.flatten(tensors), *(graph.capture(one) for one in function.captured_inputs)]
    present = {node.name for node in inlined.node}
    inputs = {own.name: one for own, one in zip(function.inputs, given, strict=True) if own.op.name in present}
    wanted = [*(output.name for output in function.outputs), *kept["named"]]
    found = tf.graph_util.import_graph_def(inlined, inputs, wanted, name="model")
    flat, taps = found[: len(function.outputs)], found[len(function.outputs) :]
    return tf.nest.pack_sequence_as(kept["output"], flat), list(zip(kept["layers"], taps, strict=True))


def _renamed(graph: Any) -> Any:
    """Give the functions of a graph's library new names: another graph may hold them already, as they were."""
    names = {one.signature.name: f"{one.signature.name}_{uuid4().hex}" for one in graph.library.function}
    for function in graph.library.function:
        function.signature.name = names[function.signature.name]
    for gradient in graph.library.gradient:
        gradient.function_name = names.get(gradient.function_name, gradient.function_name)
        gradient.gradient_func = names.get(gradient.gradient_func, gradient.gradient_func)
    for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
        for value in (value for node in nodes for value in node.attr.values()):
            for called in [value.func] if value.HasField("func") else value.list.func:
                called.name = names.get(called.name, called.name)
    return graph


def _spec(tensor: Any) -> Any:
    return tf.TensorSpec(tensor.shape, tensor.dtype)

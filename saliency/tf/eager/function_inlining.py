"""Inline functions that exist as graphs only, as in a SavedModel, into another graph."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from uuid import uuid4

import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from saliency.tf.eager.layer_recorder import RecordedCalls
from saliency.tf.ops.custom_gradients import rebind_custom_gradients
from saliency.tf.ops.relu_operations import with_control_flow

RecordingCall: TypeAlias = Callable[[Any, Mapping[str, Any]], tuple[Any, RecordedCalls]]


def import_inlined(call: RecordingCall, x: Any, feed: Mapping[str, Any]) -> tuple[Any, RecordedCalls]:
    """Trace a function, inline the functions that it calls, and import the result into the current graph.

    Variables are shared, not copied: what the trace captured is captured again.

    Args:
        call: takes x and the other inputs; returns an output, and pairs of layers and tensors.
        x: tensor of the current graph.
        feed: the other inputs, tensors of the current graph and plain values.

    Returns:
        The output and the pairs, in the current graph.
    """
    graph, traced = tf.compat.v1.get_default_graph(), {}
    tensors = {name: value for name, value in feed.items() if isinstance(value, tf.Tensor)}
    plain = {name: value for name, value in feed.items() if name not in tensors}

    def trace(x: Any, tensors: Mapping[str, Any]) -> Any:
        output, calls = call(x, {**plain, **tensors})
        traced["calls"], traced["output"] = calls, output
        traced["names"] = [value.name for _, value in calls if isinstance(value, tf.Tensor)]
        return tf.nest.flatten(output)

    function = tf.function(trace, autograph=False).get_concrete_function(
        x=_spec(x), tensors={name: _spec(tensor) for name, tensor in tensors.items()}
    )
    inlined = _rename_functions(convert_to_constants._run_inline_graph_optimization(function, False, True))
    arguments = [x, *tf.nest.flatten(tensors), *(graph.capture(captured) for captured in function.captured_inputs)]
    nodes = {node.name for node in inlined.node}
    input_map = {inner.name: outer for inner, outer in zip(function.inputs, arguments, strict=True) if inner.op.name in nodes}
    fetches = [*(output.name for output in function.outputs), *traced["names"]]
    before = len(graph.get_operations())
    fetched = tf.graph_util.import_graph_def(inlined, input_map, fetches, name="model")
    rebind_custom_gradients(with_control_flow(graph.get_operations()[before:]), function.graph, input_map)
    outputs, recorded = fetched[: len(function.outputs)], iter(fetched[len(function.outputs) :])
    pairs = [(layer, next(recorded) if isinstance(value, tf.Tensor) else value) for layer, value in traced["calls"]]
    return tf.nest.pack_sequence_as(traced["output"], outputs), pairs


def _rename_functions(graph_def: Any) -> Any:
    """Rename the functions of a graph's library: another graph may already hold functions of the old names."""
    names = {function.signature.name: f"{function.signature.name}_{uuid4().hex}" for function in graph_def.library.function}
    for function in graph_def.library.function:
        function.signature.name = names[function.signature.name]
    for gradient in graph_def.library.gradient:
        gradient.function_name = names.get(gradient.function_name, gradient.function_name)
        gradient.gradient_func = names.get(gradient.gradient_func, gradient.gradient_func)
    for nodes in (graph_def.node, *(function.node_def for function in graph_def.library.function)):
        for value in (value for node in nodes for value in node.attr.values()):
            for called in [value.func] if value.HasField("func") else value.list.func:
                called.name = names.get(called.name, called.name)
    return graph_def


def _spec(tensor: Any) -> Any:
    return tf.TensorSpec(tensor.shape, tensor.dtype)

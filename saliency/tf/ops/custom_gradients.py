"""Keep the gradients that functions define for themselves, where their operations were imported into another graph."""

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.ops import gradient_registry

from saliency.core.errors import ModelError
from saliency.core.undo import Undo, undoable
from saliency.tf.ops.graph_traversal import operations_between

PREFIX = "CustomGradient-"
"""Beginning of the names under which ``tf.custom_gradient`` registers gradients."""


def rebind_custom_gradients(ops: Iterable[Any], imported: Any, input_map: Mapping[str, Any]) -> None:
    """Make the gradients of ``tf.custom_gradient`` use the tensors of the graph that their operations were imported into.

    Such a gradient is registered as a closure over tensors of the graph in which the function was traced. An imported
    ``IdentityN`` operation still names it, but the tensors of the other graph are out of scope.

    Args:
        ops: the imported operations, also those in branches and loop bodies.
        imported: the graph that they were imported from.
        input_map: the tensors that replace inputs of the imported graph, by the inputs' names.
    """
    for op in ops:
        if op.type == "IdentityN" and _gradient_name(op).startswith(PREFIX):
            op._gradient_function = partial(_custom_gradient, imported=imported, input_map=input_map)


@undoable
def use_custom_gradients(undo: Undo, x: Any, scores: Any) -> None:
    """Do the same for a user's graph, which may have been imported, for gradients that are built within the block."""
    if hasattr(x.graph, "captures"):  # in a graph that the library traced itself, all tensors are in scope
        return
    found = [op for op in operations_between(x, scores) if op.type == "IdentityN" and op._gradient_function is None]
    preserve_gradient_functions(undo, found)
    rebind_custom_gradients(found, x.graph, {})


def preserve_gradient_functions(undo: Undo, ops: Iterable[Any]) -> None:
    """Restore the gradient functions of operations at the end of a block."""
    for op in ops:
        undo.add(setattr, op, "_gradient_function", op._gradient_function)


def remember_original(copy: Any, name: str, copies: Mapping[str, Any]) -> None:
    """Note on a copy of an operation, whose name may differ, the original's name and the copies of its graph's tensors."""
    copy._original_name, copy._copied_tensors = name, copies


def _gradient_name(op: Any) -> str:
    try:
        return str(op.get_attr("_gradient_op_type").decode())
    except ValueError:
        return ""


def _custom_gradient(op: Any, *gradients: Any, imported: Any, input_map: Mapping[str, Any]) -> Any:
    """Return the gradients with respect to the inputs of an imported operation, by the function's own gradient."""
    try:
        registered = gradient_registry.lookup(_gradient_name(op))
    except LookupError as error:
        raise _unknown_gradient(op) from error
    pairs = zip(gradients, op.outputs, strict=True)
    filled = [tf.zeros_like(output) if gradient is None else gradient for gradient, output in pairs]

    def call(*filled: Any) -> Any:
        return registered(None, *filled)

    specs = [tf.TensorSpec(gradient.shape, gradient.dtype) for gradient in filled]
    try:
        function = tf.function(call, autograph=False).get_concrete_function(*specs)
    except (TypeError, ValueError) as error:  # the name belongs to another function of this process
        raise _unknown_gradient(op) from error
    captured = [_imported_tensor(op, tensor, imported, input_map) for tensor in function.captured_inputs]
    return function._call_flat(filled, captured)


def _imported_tensor(op: Any, tensor: Any, imported: Any, input_map: Mapping[str, Any]) -> Any:
    """Return the tensor that corresponds, in an imported operation's graph, to one that its gradient captured.

    Raises:
        ModelError: if there is none.
    """
    if not hasattr(tensor, "graph") or tensor.graph is op.graph:  # an eager tensor is a constant or a variable's handle
        return tensor
    original = _original(op, tensor.graph)
    for inner, outer in zip((*original.inputs, *original.outputs), (*op.inputs, *op.outputs), strict=True):
        if inner is tensor:
            return outer
    if tensor.graph is imported and tensor.name in input_map:
        return input_map[tensor.name]
    if hasattr(op, "_copied_tensors"):
        if tensor.name in op._copied_tensors:
            return op._copied_tensors[tensor.name]
        raise _unknown_gradient(op)
    scope = op.name.removesuffix(original.name)
    name = f"{scope}{tensor.name}"
    if any(each is tensor for each in tensor.graph.inputs):
        name = _argument_names(op.graph, scope).get([each is tensor for each in tensor.graph.inputs].index(True), name)
    try:
        found = op.graph.get_tensor_by_name(name)
    except (KeyError, ValueError) as error:
        raise _unknown_gradient(op) from error
    return found


def _original(op: Any, graph: Any) -> Any:
    """Return the operation of a graph that another one was imported from.

    Another process may have used the gradient's name for another function, so the operation's first result must have the
    same origin as well.
    """
    name = getattr(op, "_original_name", op.name)
    for each in graph.get_operations():
        if each.type == op.type and _gradient_name(each) == _gradient_name(op) and f"/{name}".endswith(f"/{each.name}"):
            scope, result, imported = op.name.removesuffix(each.name), each.inputs[0].op, op.inputs[0].op
            same = imported.type == result.type and (imported.name == f"{scope}{result.name}" or name != op.name)
            if len(each.inputs) == len(op.inputs) and (same or result.type == "Placeholder"):
                return each
    raise _unknown_gradient(op)


def _argument_names(graph: Any, scope: str) -> dict[int, str]:
    """Return the names of the tensors that an inlined function was called with, by the argument's number."""
    first, _, path = scope.partition("/")
    pattern = re.compile(rf"{re.escape(first)}/Func/{re.escape(path)}input/_(\d+)")
    matches = [match for match in (pattern.fullmatch(op.name) for op in graph.get_operations()) if match]
    return {i: f"{match[0]}:0" for i, match in enumerate(sorted(matches, key=lambda match: int(match[1])))}


def _unknown_gradient(op: Any) -> ModelError:
    return ModelError(
        f"the model calls a function with a gradient of its own ({op.name}, {_gradient_name(op)}), which was not saved with "
        "the model: save it with tf.saved_model.SaveOptions(experimental_custom_gradients=True), or pass the model as it was "
        "before it was saved"
    )

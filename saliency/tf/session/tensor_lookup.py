"""Find a graph's tensors from the user's references: a tensor, an operation, or a name."""

import difflib
from typing import Any

import tensorflow as tf

from saliency.core.errors import InputError, TargetError
from saliency.tf.ops.graph_traversal import operations_between
from saliency.tf.ops.operation_lookup import find_operation_output


def resolve_tensor(graph: Any, reference: Any, option: str) -> Any:
    """Return a tensor of a graph.

    Args:
        graph: a ``tf.Graph``.
        reference: a tensor, an operation (its first output), or the name of either.
        option: the option's name in errors.

    Raises:
        InputError: if the graph has no such tensor.
    """
    if isinstance(reference, str):
        return _tensor_by_name(graph, reference, option)
    tensor = reference.outputs[0] if isinstance(reference, tf.Operation) and reference.outputs else reference
    if not isinstance(tensor, tf.Tensor):
        raise InputError(f"`{option}` ({type(reference).__name__}) must be a tensor of `graph`, or a tensor's name")
    if getattr(tensor, "graph", None) is not graph:  # an eager tensor has none
        raise InputError(f"`{option}` ({_label(tensor)}) must be a tensor of `graph`; it belongs to another graph or to none")
    return tensor


def resolve_layer(layer: Any, x: Any, y: Any, option: str = "layer", scopes: bool = True) -> Any:
    """Return a layer's tensor.

    Args:
        layer: a tensor, an operation or a name; also the end of a name, or a scope between the input and the output.
        x, y: the input and the output.
        option: the option's name in errors.
        scopes: whether ``layer`` may name a scope.

    Raises:
        TargetError: if there is no such layer, or several match.
    """
    graph = x.graph
    try:
        tensor = resolve_tensor(graph, layer, option)
    except InputError as error:
        if not isinstance(layer, str):
            raise TargetError(str(error)) from error
        tensor = None
    if tensor is None:
        between = operations_between(x, y)
        tensor = find_operation_output((op for op in graph.get_operations() if op in between), layer, option, scopes)
    if not tensor.dtype.is_floating:
        raise TargetError(f"`{option}` ({_label(tensor)}) must hold floats; it holds {tensor.dtype.name}")
    return tensor


def _tensor_by_name(graph: Any, name: str, option: str) -> Any:
    try:
        return graph.as_graph_element(name if ":" in name else f"{name}:0", allow_operation=False)
    except (KeyError, ValueError):
        names = [op.name for op in graph.get_operations()]
    near = difflib.get_close_matches(name.partition(":")[0], names, n=3, cutoff=0.3) or names[-3:]
    raise InputError(f"`{option}` (={name!r}) must be one of the graph's tensors; nearest: {', '.join(near) or 'none'}")


def _label(tensor: Any) -> str:
    return repr(getattr(tensor, "name", None) or type(tensor).__name__) if hasattr(tensor, "op") else "an eager tensor"

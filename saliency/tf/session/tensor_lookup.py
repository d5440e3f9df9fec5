"""A graph's tensors, as users spell them: the tensor itself, its operation, or a name."""

import difflib
from typing import Any

import tensorflow as tf

from saliency.core.errors import InputError, TargetError
from saliency.tf.ops.graph_traversal import between
from saliency.tf.ops.operations import find_tensor


def tensor_of(graph: Any, spelling: Any, name: str) -> Any:
    """Return a tensor of a graph.

    Args:
        graph: a ``tf.Graph``.
        spelling: a tensor, an operation (its first output) or the name of one of them.
        name: what an error calls it.

    Raises:
        InputError: if it is none of the graph's.
    """
    if isinstance(spelling, str):
        return _named(graph, spelling, name)
    tensor = spelling.outputs[0] if isinstance(spelling, tf.Operation) and spelling.outputs else spelling
    if not isinstance(tensor, tf.Tensor):
        raise InputError(f"`{name}` ({type(spelling).__name__}) must be a tensor of `graph`, or a tensor's name")
    if getattr(tensor, "graph", None) is not graph:  # an eager tensor has none
        raise InputError(f"`{name}` ({_label(tensor)}) must be a tensor of `graph`; it is not in this one")
    return tensor


def layer_of(layer: Any, x: Any, y: Any, option: str = "layer", scopes: bool = True) -> Any:
    """Return a layer's tensor; a name may be the end of one, or a scope that lies between the input and the output.

    Args:
        layer: a tensor, an operation or a name.
        x, y: the input and the output.
        option: what an error calls it.
        scopes: whether it may name a scope.

    Raises:
        TargetError: if there is none, or several.
    """
    graph = x.graph
    try:
        tensor = tensor_of(graph, layer, option)
    except InputError as error:
        if not isinstance(layer, str):
            raise TargetError(str(error)) from error
        tensor = None
    if tensor is None:
        found = between(x, y)
        tensor = find_tensor((op for op in graph.get_operations() if op in found), layer, option, scopes)
    if not tensor.dtype.is_floating:
        raise TargetError(f"`{option}` ({_label(tensor)}) must hold floats; it holds {tensor.dtype.name}")
    return tensor


def _named(graph: Any, spelling: str, name: str) -> Any:
    try:
        return graph.as_graph_element(spelling if ":" in spelling else f"{spelling}:0", allow_operation=False)
    except (KeyError, ValueError):
        names = [op.name for op in graph.get_operations()]
    near = difflib.get_close_matches(spelling.partition(":")[0], names, n=3, cutoff=0.3) or names[-3:]
    raise InputError(f"`{name}` (={spelling!r}) must be one of the graph's tensors; nearest: {', '.join(near) or 'none'}")


def _label(tensor: Any) -> str:
    return repr(getattr(tensor, "name", None) or type(tensor).__name__) if hasattr(tensor, "op") else "an eager tensor"

"""Ways through TensorFlow's graphs: what lies between two tensors, and which graphs an operation holds."""

from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import function_def_to_graph
from tensorflow.python.ops import cond_v2, while_v2

CALLS = {"PartitionedCall", "StatefulPartitionedCall", "TPUPartitionedCall", "SymbolicGradient"}
"""Operations that call a function of the graph's library."""

CONDITIONS = {"If", "StatelessIf", "Case", "StatelessCase"}
LOOPS = {"While", "StatelessWhile"}


def between(start: Any, end: Any) -> dict[Any, None]:
    """Return the operations on a way from one tensor (or several) to another that a gradient may take, in no order.

    The operation that gives the start is not one of them, unless another start leads there.
    """
    after = _reached(_users(_several(start)), lambda op: _users(op.outputs))
    before = _reached(_makers(_several(end)), lambda op: _makers(op.inputs))
    return {op: None for op in before if op in after}


def _several(tensors: Any) -> Iterable[Any]:
    return [tensors] if hasattr(tensors, "op") else tensors


def _users(tensors: Iterable[Any]) -> list[Any]:
    return [op for tensor in tensors if carries(tensor) for op in tensor.consumers()]


def _makers(tensors: Iterable[Any]) -> list[Any]:
    return [tensor.op for tensor in tensors if carries(tensor)]


def carries(tensor: Any) -> bool:
    """Tell whether a gradient may come through a tensor: of floats, or a list of such."""
    return bool(tensor.dtype.is_floating or tensor.dtype.is_complex) or tensor.dtype == tf.variant


def _reached(ops: Iterable[Any], following: Callable[[Any], Iterable[Any]]) -> dict[Any, None]:
    found = dict.fromkeys(ops)
    stack = list(found)
    while stack:
        new = [op for op in dict.fromkeys(following(stack.pop())) if op not in found]
        found.update(dict.fromkeys(new))
        stack.extend(new)
    return found


def bodies(op: Any) -> list[Any]:
    """Return the graphs of a condition's branches or of a loop, the very ones that its gradient will be built from."""
    if op.type in CONDITIONS:
        graphs = list(cond_v2.get_func_graphs(op))
        names = ("_true_graph", "_false_graph") if op.type in ("If", "StatelessIf") else _numbered(len(graphs))
    elif op.type in LOOPS:
        names = ("_cond_graph", "_body_graph")
        graphs = [while_v2._get_graph(op, *one) for one in zip(("cond", "body"), names, strict=True)]
    else:
        return []
    for name, graph in zip(names, graphs, strict=True):
        setattr(op, name, graph)
    return graphs


def _numbered(n: int) -> tuple[str, ...]:
    return tuple(f"_branch_graph_{i}" for i in range(n))


def called(op: Any) -> list[Any]:
    """Return the graphs of the functions that an operation calls."""
    return [_graph_of(op.graph, op.get_attr("f").name)] if op.type in CALLS else []


def _graph_of(graph: Any, name: str) -> Any:
    """Return a function of a graph's library as a graph of its own."""
    while graph is not None:
        function = graph._get_function(name)
        if function is not None:
            with graph.as_default():
                return function_def_to_graph.function_def_to_graph(function.cached_definition)
        graph = getattr(graph, "outer_graph", None)
    raise LookupError(name)


def calls_in(graph: Any) -> list[Any]:
    """Return the operations of a graph that call functions."""
    return [op for op in graph.get_operations() if op.type in CALLS]

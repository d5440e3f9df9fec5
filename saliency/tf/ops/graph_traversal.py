"""Traverse graphs: the operations between two tensors, and the graphs that an operation contains."""

from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import function_def_to_graph
from tensorflow.python.ops import cond_v2, while_v2

FUNCTION_CALLS = {"PartitionedCall", "StatefulPartitionedCall", "TPUPartitionedCall", "SymbolicGradient"}
"""Operations that call a function of the graph's library."""

CONDITIONS = {"If", "StatelessIf", "Case", "StatelessCase"}
LOOPS = {"While", "StatelessWhile"}


def operations_between(start: Any, end: Any) -> dict[Any, None]:
    """Return the operations on differentiable paths from one tensor (or several) to another, in no order.

    The operation that outputs a start is not included, unless a path from another start passes it.
    """
    after = _reachable(_consumers(_as_iterable(start)), lambda op: _consumers(op.outputs))
    before = _reachable(_producers(_as_iterable(end)), lambda op: _producers(op.inputs))
    return {op: None for op in before if op in after}


def operations_after(tensor: Any) -> dict[Any, None]:
    """Return the operations that a tensor has an influence on, also along paths without a gradient."""
    return _reachable(tensor.consumers(), lambda op: [consumer for output in op.outputs for consumer in output.consumers()])


def operations_before(tensors: Iterable[Any]) -> dict[Any, None]:
    """Return the operations that tensors depend on, also along paths without a gradient."""
    return _reachable([tensor.op for tensor in tensors], lambda op: [tensor.op for tensor in op.inputs])


def _as_iterable(tensors: Any) -> Iterable[Any]:
    return [tensors] if hasattr(tensors, "op") else tensors


def _consumers(tensors: Iterable[Any]) -> list[Any]:
    return [op for tensor in tensors if is_differentiable(tensor) for op in tensor.consumers()]


def _producers(tensors: Iterable[Any]) -> list[Any]:
    return [tensor.op for tensor in tensors if is_differentiable(tensor)]


def is_differentiable(tensor: Any) -> bool:
    """Tell whether a gradient can flow through a tensor: one of floats, or a list of such tensors."""
    return bool(tensor.dtype.is_floating or tensor.dtype.is_complex) or tensor.dtype == tf.variant


def _reachable(ops: Iterable[Any], neighbors: Callable[[Any], Iterable[Any]]) -> dict[Any, None]:
    reached = dict.fromkeys(ops)
    stack = list(reached)
    while stack:
        new = [op for op in dict.fromkeys(neighbors(stack.pop())) if op not in reached]
        reached.update(dict.fromkeys(new))
        stack.extend(new)
    return reached


def control_flow_graphs(op: Any) -> list[Any]:
    """Return the graphs of a condition's branches or of a loop: the same objects that its gradient will be built from."""
    if op.type in CONDITIONS:
        graphs = list(cond_v2.get_func_graphs(op))
        names = ("_true_graph", "_false_graph") if op.type in ("If", "StatelessIf") else _branch_names(len(graphs))
    elif op.type in LOOPS:
        names = ("_cond_graph", "_body_graph")
        graphs = [while_v2._get_graph(op, *pair) for pair in zip(("cond", "body"), names, strict=True)]
    else:
        return []
    for name, graph in zip(names, graphs, strict=True):
        setattr(op, name, graph)
    return graphs


def _branch_names(n: int) -> tuple[str, ...]:
    return tuple(f"_branch_graph_{i}" for i in range(n))


def called_graphs(op: Any) -> list[Any]:
    """Return the graphs of the functions that an operation calls."""
    return [_function_graph(op.graph, op.get_attr("f").name)] if op.type in FUNCTION_CALLS else []


def _function_graph(graph: Any, name: str) -> Any:
    """Return a function of a graph's library as a separate graph."""
    while graph is not None:
        function = graph._get_function(name)
        if function is not None:
            with graph.as_default():
                return function_def_to_graph.function_def_to_graph(function.cached_definition)
        graph = getattr(graph, "outer_graph", None)
    raise LookupError(name)


def function_calls(graph: Any) -> list[Any]:
    """Return the operations of a graph that call functions."""
    return [op for op in graph.get_operations() if op.type in FUNCTION_CALLS]

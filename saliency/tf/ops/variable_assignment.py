"""Find the operations of a graph that assign variables."""

from typing import Any

ASSIGNING = (
    *(
        "Assign",
        "Scatter",
        "ResourceScatter",
        "ResourceStridedSliceAssign",
        "ResourceApply",
        "ResourceSparseApply",
        "ResourceCountUpTo",
    ),
    *("StatefulUniform", "StatefulStandardNormal", "StatefulTruncatedNormal", "StatefulRandomBinomial", "Rng"),
)
"""First parts of the names of operations that change a variable, or the state of a ``tf.random.Generator``."""


def is_assignment(kind: str, node: Any, graph: Any, known: dict[str, bool]) -> bool:
    """Return whether an operation, or any operation in the functions that it calls, assigns a variable.

    Args:
        kind: the operation's type.
        node: its definition.
        graph: the graph whose library has the functions.
        known: the results for functions, by name.
    """
    if kind.startswith(ASSIGNING):
        return True
    for name in _called_names(node):
        if name not in known:
            known[name] = False  # a recursive function
            definition = _definition(graph, name)
            nodes = () if definition is None else definition.node_def
            known[name] = any(is_assignment(each.op, each, graph, known) for each in nodes)
        if known[name]:
            return True
    return False


def _called_names(node: Any) -> list[str]:
    functions = [each for attribute in node.attr.values() for each in (attribute.func, *attribute.list.func)]
    return [each.name for each in functions if each.name]


def _definition(graph: Any, name: str) -> Any:
    """Return the definition of a function in the library of a graph or of the graphs around it; None if there is none."""
    while graph is not None:
        function = graph._get_function(name)
        if function is not None:
            return function.cached_definition
        graph = getattr(graph, "outer_graph", None)
    return None

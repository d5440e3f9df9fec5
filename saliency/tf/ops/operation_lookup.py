"""A graph's operations by name: the layers of a function or SavedModel, which has no layer objects."""

import difflib
import re
from collections.abc import Iterable
from typing import Any

from saliency.core.errors import TargetError
from saliency.tf.ops.graph_traversal import operations_between


def find_operation_output(operations: Iterable[Any], name: str, option: str = "layer", scopes: bool = True) -> Any:
    """Return the output of an operation.

    Args:
        operations: of a graph, or a part of one.
        name: name of the operation, or the end of its name (``conv5/Relu``), or a scope (``conv5``) for the last operation
            in it. Each part may lack the number that TensorFlow added (``conv5_1``).
        option: the option's name in errors.
        scopes: whether ``name`` may be a scope.

    Raises:
        TargetError: if no operation has this name, or several have.
    """
    with_floats = [op for op in operations if op.outputs and op.outputs[0].dtype.is_floating]
    ops, name_part = {_name_without_calls(op.name): op for op in with_floats}, name.removesuffix(":0")
    exact = [op for op in with_floats if op.name == name_part]
    if exact:
        return exact[0].outputs[0]
    numbered = "/".join(rf"{re.escape(part)}(_\d+)?" for part in name_part.split("/"))
    for pattern in (re.escape(name_part), numbered):
        for matches in (_names_ending(ops, pattern), _last_in_scopes(ops, pattern) if scopes else []):
            if len(matches) == 1:
                return ops[matches[0]].outputs[0]
            if matches:
                listed = ", ".join(matches[:5])
                raise TargetError(f"`{option}` (={name!r}) must name one operation; it matches {listed}: give a longer name")
    parts = name_part.count("/") + 1
    names = list(dict.fromkeys("/".join(each.split("/")[-parts:]) for each in ops))
    near = difflib.get_close_matches(name_part, names, n=3, cutoff=0.3) or names[-3:]
    raise TargetError(f"`{option}` (={name!r}) must be one of the graph's operations; nearest: {', '.join(near)}")


def _name_without_calls(name: str) -> str:
    """Return an operation's name without the function calls that it was inlined from."""
    parts = name.split("/")
    if "Func" in parts:  # the remainder of an inlined call itself
        return name
    scopes = [part for part in parts[:-1] if not re.fullmatch(r"(Stateful)?PartitionedCall(_\d+)?", part)]
    return "/".join([*scopes, parts[-1]])


def _names_ending(names: Iterable[str], pattern: str) -> list[str]:
    return [name for name in names if re.fullmatch(pattern, name)] or [
        name for name in names if re.search(f"/{pattern}$", name) and "/Func/" not in name
    ]


def _last_in_scopes(names: Iterable[str], pattern: str) -> list[str]:
    matches = [(re.search(f"(^|/){pattern}/", name), name) for name in names if "/Func/" not in name]
    last = {name[: match.end()]: name for match, name in matches if match}  # scope -> its last operation
    return list(last.values())


def outputs_between(x: Any, scores: Any) -> dict[str, Any]:
    """Return the outputs of the operations between an input and its scores, by name, in the order of their creation."""
    between = operations_between(x, scores)
    return {op.name: op.outputs[0] for op in x.graph.get_operations() if op in between and op.outputs}

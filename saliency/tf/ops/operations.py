"""A graph's operations as the layers of a model that has none: a function, or a SavedModel."""

import difflib
import re
from collections.abc import Iterable
from typing import Any

from saliency.core.errors import TargetError
from saliency.tf.ops.graph_traversal import between


def find_tensor(operations: Iterable[Any], name: str, option: str = "layer", scopes: bool = True) -> Any:
    """Return what an operation gives.

    Args:
        operations: of a graph, or a part of one.
        name: of the operation, or the end of its name (``conv5/Relu``), or a scope that it is the last one of (``conv5``).
            TensorFlow may have added a number to each part (``conv5_1``).
        option: what an error calls it.
        scopes: whether it may name a scope.

    Raises:
        TargetError: if there is none, or several.
    """
    made = [op for op in operations if op.outputs and op.outputs[0].dtype.is_floating]
    ops, wanted = {_plain(op.name): op for op in made}, name.removesuffix(":0")
    exact = [op for op in made if op.name == wanted]
    if exact:
        return exact[0].outputs[0]
    numbered = "/".join(rf"{re.escape(part)}(_\d+)?" for part in wanted.split("/"))
    for pattern in (re.escape(wanted), numbered):
        for found in (_ending(ops, pattern), _last_of_scope(ops, pattern) if scopes else []):
            if len(found) == 1:
                return ops[found[0]].outputs[0]
            if found:
                several = ", ".join(found[:5])
                raise TargetError(f"`{option}` (={name!r}) must name one operation; the model has {several}")
    parts = wanted.count("/") + 1
    names = list(dict.fromkeys("/".join(one.split("/")[-parts:]) for one in ops))
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.3) or names[-3:]
    raise TargetError(f"`{option}` (={name!r}) must be one of the graph's operations; nearest: {', '.join(near)}")


def _plain(name: str) -> str:
    """Return an operation's name without the calls that it was inside of."""
    parts = name.split("/")
    if "Func" in parts:  # what is left of a call itself
        return name
    outside = [part for part in parts[:-1] if not re.fullmatch(r"(Stateful)?PartitionedCall(_\d+)?", part)]
    return "/".join([*outside, parts[-1]])


def _ending(names: Iterable[str], pattern: str) -> list[str]:
    return [name for name in names if re.fullmatch(pattern, name)] or [
        name for name in names if re.search(f"/{pattern}$", name) and "/Func/" not in name
    ]


def _last_of_scope(names: Iterable[str], pattern: str) -> list[str]:
    places = [(re.search(f"(^|/){pattern}/", name), name) for name in names if "/Func/" not in name]
    ends = {name[: place.end()]: name for place, name in places if place}  # the last one of each scope of this name
    return list(ends.values())


def candidates(x: Any, scores: Any) -> dict[str, Any]:
    """Return what the operations between an input and its scores give, by name, in the order in which they were made."""
    found = between(x, scores)
    return {op.name: op.outputs[0] for op in x.graph.get_operations() if op in found and op.outputs}

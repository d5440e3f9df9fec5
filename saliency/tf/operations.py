"""A graph's operations as the layers of a model that has none: a function, or a SavedModel."""

import difflib
import re
from typing import Any

from saliency.core.errors import TargetError
from saliency.tf.walk import between


def find_tensor(graph: Any, name: str) -> Any:
    """Return what an operation gives.

    Args:
        graph: that is being built.
        name: of the operation, or the end of its name (``conv5/Relu``), or a scope that it is the last one of (``conv5``).
            TensorFlow may have added a number to each part (``conv5_1``).

    Raises:
        TargetError: if there is none, or several.
    """
    ops = [op for op in graph.get_operations() if op.outputs and op.outputs[0].dtype.is_floating]
    wanted = name.removesuffix(":0")
    numbered = "/".join(rf"{re.escape(part)}(_\d+)?" for part in wanted.split("/"))
    for pattern in (re.escape(wanted), numbered):
        for found in (_ending(ops, pattern), _last_of_scope(ops, pattern)):
            if len(found) == 1:
                return found[0].outputs[0]
            if found:
                several = ", ".join(op.name for op in found[:5])
                raise TargetError(f"`layer` (={name!r}) must name one operation; the model has {several}")
    parts = wanted.count("/") + 1
    names = list(dict.fromkeys("/".join(op.name.split("/")[-parts:]) for op in ops))
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.3) or names[-3:]
    raise TargetError(f"`layer` (={name!r}) must be one of the graph's operations; nearest: {', '.join(near)}")


def _ending(ops: list[Any], pattern: str) -> list[Any]:
    return [op for op in ops if re.fullmatch(pattern, op.name)] or [op for op in ops if re.search(f"/{pattern}$", op.name)]


def _last_of_scope(ops: list[Any], pattern: str) -> list[Any]:
    places = [(re.search(f"(^|/){pattern}/", op.name), op) for op in ops]
    ends = {op.name[: place.end()]: op for place, op in places if place}  # the last one of each scope of this name
    return list(ends.values())


def candidates(x: Any, scores: Any) -> dict[str, Any]:
    """Return what the operations between an input and its scores give, by name, in the order in which they were made."""
    found = between(x, scores)
    return {op.name: op.outputs[0] for op in x.graph.get_operations() if op in found and op.outputs}

"""Autograd's graph of one call, read from the scores back to the leaf."""

import torch
from torch.autograd.graph import Node


def takers(scores: torch.Tensor) -> dict[Node, list[Node]]:
    """Return for each node behind scores the nodes that take what it gives, once for each time."""
    found: dict[Node, list[Node]] = {}
    stack = [node for node in [scores.grad_fn] if node is not None]
    while stack:
        node = stack.pop()
        for earlier, _ in node.next_functions:
            if earlier is None:
                continue
            if earlier not in found:
                stack.append(earlier)
                found[earlier] = []
            found[earlier].append(node)
    return found


def leaf_nodes(found: dict[Node, list[Node]], leaf: torch.Tensor) -> list[Node]:
    """Return the nodes that stand for a leaf: one, or none where the scores do not depend on it."""
    return [node for node in found if getattr(node, "variable", None) is leaf]

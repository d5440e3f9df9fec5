"""Inspect the autograd graph of one call, from the scores back to a leaf."""

import torch
from torch.autograd.graph import Node


def find_consumers(scores: torch.Tensor) -> dict[Node, list[Node]]:
    """Map each node of the scores' graph to the nodes that use its output, once per use."""
    consumers: dict[Node, list[Node]] = {}
    stack = [node for node in [scores.grad_fn] if node is not None]
    while stack:
        node = stack.pop()
        for earlier, _ in node.next_functions:
            if earlier is None:
                continue
            if earlier not in consumers:
                stack.append(earlier)
                consumers[earlier] = []
            consumers[earlier].append(node)
    return consumers


def find_nodes(scores: torch.Tensor) -> list[Node]:
    """Return the nodes of the scores' graph."""
    return [node for node in [scores.grad_fn] if node is not None] + list(find_consumers(scores))


def find_ancestors(tensor: torch.Tensor) -> set[Node]:
    """Return the nodes of a tensor's graph."""
    ancestors: set[Node] = set()
    stack = [node for node in [tensor.grad_fn] if node is not None]
    while stack:
        node = stack.pop()
        if node not in ancestors:
            ancestors.add(node)
            stack += [earlier for earlier, _ in node.next_functions if earlier is not None]
    return ancestors


def depends_on(tensor: torch.Tensor, leaf: torch.Tensor) -> bool:
    """Return whether a leaf is in a tensor's graph."""
    return any(getattr(node, "variable", None) is leaf for node in find_ancestors(tensor))


def find_leaf_nodes(consumers: dict[Node, list[Node]], leaf: torch.Tensor) -> list[Node]:
    """Return the nodes of a leaf in a graph: one node, or none if the scores do not depend on the leaf."""
    return [node for node in consumers if getattr(node, "variable", None) is leaf]

"""Inspect the autograd graph of one call, from the scores back to a leaf."""

from collections.abc import Collection
from typing import Any

import torch
from torch.autograd.graph import Node, get_gradient_edge


def find_consumers(tensor: torch.Tensor) -> dict[Node, list[Node]]:
    """Map each earlier node of a tensor's graph to the nodes that use its output, once per use."""
    consumers: dict[Node, list[Node]] = {}
    stack = [node for node in [tensor.grad_fn] if node is not None]
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


def find_nodes(tensor: torch.Tensor) -> list[Node]:
    """Return the nodes of a tensor's graph, its own node first."""
    return [node for node in [tensor.grad_fn] if node is not None] + list(find_consumers(tensor))


def gradient_node(tensor: torch.Tensor) -> Node:
    """Return the node of a tensor that requires gradients: the operator that returned it, or a leaf's own node."""
    return get_gradient_edge(tensor).node


def find_reachable(tensor: torch.Tensor, blocked: Collection[Node]) -> set[Node]:
    """Return the nodes of a tensor's graph to which a path leads that passes none of the blocked nodes."""
    found: set[Node] = set()
    stack = [tensor.grad_fn]
    while stack:
        node = stack.pop()
        if node is not None and node not in found and node not in blocked:
            found.add(node)
            stack.extend(earlier for earlier, _ in node.next_functions)
    return found


def reaches(node: Node, earlier: Node) -> bool:
    """Return whether a node of a graph uses the result of an earlier one."""
    stack, seen = [node], {node}
    while stack:
        new = {one for one, _ in stack.pop().next_functions if one is not None} - seen
        if earlier in new:
            return True
        seen |= new
        stack += new
    return False


def depends_on(tensor: torch.Tensor, leaf: torch.Tensor) -> bool:
    """Return whether a leaf is in a tensor's graph."""
    return any(getattr(node, "variable", None) is leaf for node in find_nodes(tensor))


def find_leaf_nodes(consumers: dict[Node, list[Node]], leaf: torch.Tensor) -> list[Node]:
    """Return the nodes of a leaf in a graph: one node, or none if the scores do not depend on the leaf."""
    return [node for node in consumers if getattr(node, "variable", None) is leaf]


def nodes_between(score: torch.Tensor, leaf: torch.Tensor, consumers: dict[Node, list[Node]] | None = None) -> list[Node]:
    """Return the nodes on all paths from the score back to the leaf.

    Args:
        score: with its graph.
        leaf: of the graph.
        consumers: of the score's graph, if they are known.
    """
    consumers = find_consumers(score) if consumers is None else consumers
    nodes = dict.fromkeys(find_leaf_nodes(consumers, leaf))
    stack = list(nodes)
    while stack:
        new = [node for node in dict.fromkeys(consumers.get(stack.pop(), [])) if node not in nodes]
        nodes.update(dict.fromkeys(new))
        stack.extend(new)
    return list(nodes)


def has_hooks(node: Node) -> bool:
    """Return whether a user registered hooks on a node; Torch returns the dictionary of hooks only with a new one."""
    for register in (node.register_hook, node.register_prehook):
        handle: Any = register(lambda *_: None)
        count = len(handle.hooks_dict_ref() or ())
        handle.remove()
        if count > 1:
            return True
    return False

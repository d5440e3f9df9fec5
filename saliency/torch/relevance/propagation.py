"""Propagate the relevance of scores through the autograd graph of one call, node by node."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

import torch
from torch.autograd.graph import Node

from saliency.core.errors import GradientError, ModelError, SaliencyError
from saliency.core.lrp_composites import LRPComposite
from saliency.torch.autograd_graph import find_consumers, find_leaf_nodes, nodes_between
from saliency.torch.out_of_memory import is_out_of_memory
from saliency.torch.relevance.first_layers import first_layers, pass_relevance
from saliency.torch.relevance.linear_steps import LinearSteps
from saliency.torch.relevance.recorder import OperatorRecorder
from saliency.torch.relevance.steps import Step, Steps


def propagate(
    scores: torch.Tensor,
    leaf: torch.Tensor,
    recorder: OperatorRecorder,
    composite: LRPComposite,
    has_first: bool,
    relu_nodes: Collection[str],
    opaque: Mapping[str, str],
    leaf_name: str,
) -> torch.Tensor:
    """Return the multipliers of a leaf for each score of its own sample, or its relevance if the first layer has a rule.

    Autograd is not run: each node's step computes the multipliers of its inputs, so a rule costs no gradient besides. Hooks
    that the user registered on tensors are not called.

    Args:
        scores: (N * T,) with their graph, T scores of the leaf's first sample, then T of the next.
        leaf: (N, ...).
        recorder: recorded the operators between the two.
        composite: the rules.
        has_first: whether the leaf is the model's input, so that the composite's rule of the first layer applies.
        relu_nodes: names of further nodes that are ReLUs.
        opaque: names of nodes that cannot be inspected -> what the user can do.
        leaf_name: the leaf's name in error messages.

    Returns:
        (N * T, ...).

    Raises:
        GradientError: if a score does not depend on the leaf.
        ModelError: if an operation has no rule.
    """
    consumers = find_consumers(scores)
    nodes = dict.fromkeys(nodes_between(scores, leaf, consumers))
    leaf_nodes = find_leaf_nodes(consumers, leaf)
    if not leaf_nodes:
        raise _independent(leaf_name)
    between = {node: [one for one in consumers.get(node, ()) if one in nodes] for node in nodes}
    linear = LinearSteps(between, recorder.records, composite)
    before: set[Node] = set()
    if has_first and composite.first is not None:
        linear.first, before = first_layers(leaf_nodes[0], between, linear.operations, composite.first)
    steps = Steps(nodes, recorder, composite, linear, relu_nodes, opaque)
    plan = _plan(
        scores.grad_fn,
        leaf_nodes[0],
        lambda node: Step(partial(pass_relevance, node), _inputs(node, nodes)) if node in before else steps.of(node),
    )
    starts = torch.eye(len(scores) // len(leaf)).to(scores).repeat(len(leaf), 1).T  # (T, N * T)
    try:
        with torch.no_grad():
            found = [_run(plan, scores, start.reshape(scores.shape), leaf_nodes[0]) for start in starts]
    except RuntimeError as error:
        if is_out_of_memory(error) or isinstance(error, SaliencyError):
            raise
        raise ModelError(f"relevance cannot pass this model: {str(error).splitlines()[0]}") from error
    existing = [one for one in found if one is not None]
    if len(existing) < len(found):
        raise _independent(leaf_name)
    return existing[0] if len(existing) == 1 else torch.stack(existing, dim=1).flatten(0, 1)


def _independent(leaf_name: str) -> GradientError:
    return GradientError(
        f"the score does not depend on {leaf_name}, or no relevance passes from one to the other. Choose another target, "
        "layer or `rule`"
    )


def _inputs(node: Node, nodes: Collection[Node]) -> list[int]:
    return [i for i, (earlier, _) in enumerate(node.next_functions) if earlier in nodes]


def _plan(root: Any, leaf_node: Node, step_of: Callable[[Node], Step]) -> dict[Node, Step]:
    """Return the steps of all nodes that relevance reaches, each after those of the nodes that use its output."""
    steps: dict[Node, Step] = {}
    uses: Counter[Node] = Counter()
    stack = [root]
    while stack:
        node = stack.pop()
        steps[node] = step_of(node)
        for earlier in _earlier(node, steps[node]):
            uses[earlier] += 1
            if uses[earlier] == 1 and earlier is not leaf_node:
                stack.append(earlier)
    plan, stack = {}, [root]
    while stack:
        node = stack.pop()
        plan[node] = steps[node]
        for earlier in _earlier(node, steps[node]):
            uses[earlier] -= 1
            if uses[earlier] == 0 and earlier is not leaf_node:
                stack.append(earlier)
    return plan


def _earlier(node: Node, step: Step) -> list[Node]:
    return [earlier for i in step.inputs if (earlier := node.next_functions[i][0]) is not None]


def _run(plan: Mapping[Node, Step], scores: torch.Tensor, start: torch.Tensor, leaf_node: Node) -> torch.Tensor | None:
    """Return the multipliers of the leaf from those of the scores; None if none reach it."""
    found: dict[Node, dict[int, torch.Tensor]] = defaultdict(dict)
    metadata: dict[Node, Any] = {}  # Torch makes a list of it at each access
    found[scores.grad_fn][scores.output_nr] = start  # type: ignore[index] # the scores have a graph
    for node, step in plan.items():
        outputs = found.pop(node, {})
        if not outputs:
            continue
        passed = step.run([outputs.get(i) for i in range(len(metadata.pop(node, None) or node._input_metadata))])
        for i in step.inputs:
            earlier, number = node.next_functions[i]
            if earlier is not None and i < len(passed) and (one := passed[i]) is not None:
                if earlier not in metadata:
                    metadata[earlier] = earlier._input_metadata
                sums, one = found[earlier], _reduced(one, metadata[earlier][number])
                sums[number] = sums[number] + one if number in sums else one
    return found[leaf_node].get(0)


def _reduced(multipliers: torch.Tensor, output: Any) -> torch.Tensor:
    """Return multipliers in the shape and type of an output; those of a value that was broadcast are summed."""
    if multipliers.shape == output.shape and multipliers.dtype == output.dtype:
        return multipliers
    return multipliers.sum_to_size(output.shape).to(output.dtype)

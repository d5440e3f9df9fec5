"""Let the gradients of a graph pass by the rules of layer-wise relevance propagation."""

from collections.abc import Sequence
from typing import Any

from saliency.core.lrp_composites import LRPComposite
from saliency.core.undo import Undo, undoable
from saliency.tf.ops.custom_gradients import preserve_gradient_functions
from saliency.tf.relevance.first_layers import first_layers, pass_relevance
from saliency.tf.relevance.following_terms import with_following_terms
from saliency.tf.relevance.linear_operations import linear_operation
from saliency.tf.relevance.rules import RelevanceRules
from saliency.tf.relevance.variable_graph import VariableGraph


@undoable
def apply_relevance_rules(undo: Undo, leaf: Any, ends: Sequence[Any], composite: LRPComposite, has_first: bool) -> None:
    """Apply a composite to all operations between a leaf and its scores, for gradients that are built within the block.

    The gradients are then multipliers; or relevance itself, if the first layer has a rule of its own.

    Args:
        undo: of the block.
        leaf: a tensor of a graph.
        ends: the tensors that the backward passes start at.
        composite: the rules.
        has_first: whether the leaf is the model's input, so that the composite's rule of the first layer applies.

    Raises:
        ModelError: if there is no first layer for its rule. An operation without a rule raises it when gradients are built.
    """
    graph = VariableGraph(leaf, ends)
    linear, passed = {}, set()
    for op in graph.operations:
        operation = linear_operation(op, graph.inputs(op))
        if operation is not None:
            linear[op], following = with_following_terms(operation, graph)
            passed.update(following)
    first, before = set[Any](), set[Any]()
    if has_first and composite.first is not None:
        first, before = first_layers(graph, linear, composite.first.needs_input_values)
    rules = RelevanceRules(graph, composite, linear, passed, first)
    functions = {op: pass_relevance if op in before else rules.of(op) for op in graph.operations}
    changed = {op: function for op, function in functions.items() if function is not None}
    preserve_gradient_functions(undo, changed)
    for op, function in changed.items():  # set on the Python object, as the rules of ReLUs are
        op._gradient_function = function

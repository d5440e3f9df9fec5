"""Copy a part of a graph within the graph, for gradients that would change operations which a session has run."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import Any

from saliency.core.errors import ModelError
from saliency.tf.ops.custom_gradients import remember_original
from saliency.tf.ops.graph_traversal import CONDITIONS, LOOPS, called_graphs, operations_between
from saliency.tf.ops.operation_copy import copy_operation

INLINED_CALLS = {"PartitionedCall", "StatefulPartitionedCall"}
"""Function calls that are replaced by the operations of the function."""

LOOP_ENTRY = "Enter"
"""The first operation of a TensorFlow 1 loop. The graph of such a loop has a cycle, and can't be copied."""


def differentiable_copies(x: Any, tensors: Sequence[Any]) -> list[Any]:
    """Return tensors whose gradients can be built even after sessions have run the graph, and whose ReLUs are accessible.

    The gradient of a TensorFlow 2 condition or loop adds outputs to the operation itself. After that, a session that has run
    the operation can run nothing of its graph any more. A backward rule also can't reach ReLUs inside a function call. If
    there are such operations between the input and the tensors, all operations between them are copied, and calls are
    replaced by the operations of the function. Variables, and all else that does not depend on the input, are shared.

    Args:
        x: the input.
        tensors: tensors of the graph that is being extended.
    """
    between = operations_between(x, list(tensors))
    types = {op.type for op in between}
    if not types & (CONDITIONS | LOOPS | INLINED_CALLS) or LOOP_ENTRY in types:
        return list(tensors)
    copies: dict[str, Any] = {}
    _copy_operations(x.graph, (op for op in x.graph.get_operations() if op in between), copies)
    return [copies.get(tensor.name, tensor) for tensor in tensors]


def refuse_unsupported_loops(x: Any, tensors: Sequence[Any]) -> None:
    """Refuse TensorFlow 1 loops that have no gradient.

    Raises:
        ModelError: if there is such a loop between an input and tensors that ``differentiable_copies`` returned.
    """
    between = operations_between(x, list(tensors))
    has_v2_operations = any(op.type in CONDITIONS | LOOPS | INLINED_CALLS for op in between)
    for op in between:
        if op.type == LOOP_ENTRY and (has_v2_operations or op._get_control_flow_context() is None):
            raise ModelError(
                f"the graph has a loop of TensorFlow 1 ({op.name}) without a gradient: the loop was imported from a GraphDef, "
                "or the graph also has conditions or function calls of TensorFlow 2. Import the graph with "
                "tf.compat.v1.train.import_meta_graph, which keeps loops, or use Occlusion or RISE, which need no gradient"
            )


def _copy_operations(graph: Any, ops: Iterable[Any], copies: dict[str, Any]) -> None:
    """Copy operations, and add the copies and their outputs to ``copies`` under the names of the originals."""
    for op in ops:
        inputs = [copies.get(tensor.name, tensor) for tensor in op.inputs]
        control_inputs = [copies.get(f"^{one.name}", one if one.graph is graph else None) for one in op.control_inputs]
        with graph.control_dependencies([one for one in control_inputs if one is not None]), _same_device(graph, op):
            if op.type in INLINED_CALLS:
                outputs = _inline_call(graph, op, inputs)
            else:
                copy = copies[f"^{op.name}"] = copy_operation(graph, op, inputs)
                outputs = copy.outputs
                if op.type == "IdentityN":
                    remember_original(copy, op.name, copies)
        copies |= {original.name: output for original, output in zip(op.outputs, outputs, strict=True)}


def _same_device(graph: Any, op: Any) -> Any:
    return graph.device(op.device) if op.device else nullcontext()


def _inline_call(graph: Any, call: Any, inputs: list[Any]) -> list[Any]:
    """Copy the operations of the called function into the graph, and return its outputs."""
    (body,) = called_graphs(call)
    copies = {inner.name: outer for inner, outer in zip(body.inputs, inputs, strict=True)}
    input_names = {inner.op.name for inner in body.inputs}
    _copy_operations(graph, (op for op in body.get_operations() if op.name not in input_names), copies)
    return [copies[output.name] for output in body.outputs]

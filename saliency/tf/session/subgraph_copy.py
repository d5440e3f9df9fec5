"""A part of a graph, built again within it: for gradients that would change operations which a session has run."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import Any

from tensorflow.python.framework.ops import uid

from saliency.core.errors import ModelError
from saliency.tf.ops.graph_traversal import CONDITIONS, LOOPS, between, bodies, called

CALLS = {"PartitionedCall", "StatefulPartitionedCall"}
"""Operations that are replaced by what they call."""

LOOP = "Enter"
"""What a loop of TensorFlow 1 begins with: it runs in circles, and can't be built again."""


def own(x: Any, tensors: Sequence[Any]) -> list[Any]:
    """Return tensors that can be looked behind, and whose gradients may be built however often the graph was run.

    The gradient of a condition or a loop adds outputs to the operation itself, after which no session that has run it runs
    anything of its graph any more; that of a call is not what a rule reaches. So what lies between the input and the tensors
    is built again where there are such operations, with the calls laid open. Variables, and all else that does not depend on
    the input, are shared.

    Args:
        x: the input.
        tensors: of the graph that is being built.
    """
    found = between(x, list(tensors))
    types = {op.type for op in found}
    if not types & (CONDITIONS | LOOPS | CALLS) or LOOP in types:
        return list(tensors)
    known: dict[str, Any] = {}
    _build(x.graph, (op for op in x.graph.get_operations() if op in found), known)
    return [known.get(tensor.name, tensor) for tensor in tensors]


def check_loops(x: Any, tensors: Sequence[Any]) -> None:
    """Refuse loops that have no gradient.

    Raises:
        ModelError: if there is one between an input and tensors that ``own`` returned.
    """
    found = between(x, list(tensors))
    mixed = any(op.type in CONDITIONS | LOOPS | CALLS for op in found)
    for op in found:
        if op.type == LOOP and (mixed or op._get_control_flow_context() is None):
            raise ModelError(
                f"the graph has a loop of TensorFlow 1 ({op.name}) that was imported, or is beside conditions or calls of "
                "TensorFlow 2, and has no gradient: tf.compat.v1.train.import_meta_graph keeps loops; Occlusion and RISE "
                "need no gradient"
            )


def _build(graph: Any, ops: Iterable[Any], known: dict[str, Any]) -> None:
    """Build operations again, and add their outputs and themselves to those that are known, by their old names."""
    for op in ops:
        inputs = [known.get(tensor.name, tensor) for tensor in op.inputs]
        before = [known.get(f"^{one.name}", one if one.graph is graph else None) for one in op.control_inputs]
        with graph.control_dependencies([one for one in before if one is not None]), _place(graph, op):
            if op.type in CALLS:
                outputs = _laid_open(graph, op, inputs)
            else:
                new = known[f"^{op.name}"] = _again(graph, op, inputs)
                outputs = new.outputs
        known |= {old.name: new for old, new in zip(op.outputs, outputs, strict=True)}


def _place(graph: Any, op: Any) -> Any:
    return graph.device(op.device) if op.device else nullcontext()


def _laid_open(graph: Any, call: Any, inputs: list[Any]) -> list[Any]:
    """Build what an operation calls; return its outputs."""
    (body,) = called(call)
    known = {own.name: given for own, given in zip(body.inputs, inputs, strict=True)}
    given = {own.op.name for own in body.inputs}
    _build(graph, (op for op in body.get_operations() if op.name not in given), known)
    return [known[output.name] for output in body.outputs]


def _again(graph: Any, op: Any, inputs: list[Any]) -> Any:
    attributes = dict(op.node_def.attr)
    attributes.pop("_class", None)  # where the old one stands
    types = [output.dtype for output in op.outputs]
    new = graph.create_op(op.type, inputs, types, name=op.name, attrs=attributes, op_def=op.op_def)
    _name_bodies(new)
    return new


def _name_bodies(op: Any) -> None:
    """Give branches and loop bodies names of their own, for a gradient adds its variant of them to the graph by name."""
    for body in bodies(op):
        body.name = f"saliency_{uid()}"
        for inner in body.get_operations():
            _name_bodies(inner)

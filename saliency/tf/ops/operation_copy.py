"""Copy single operations of a graph within the graph, with other inputs."""

from collections.abc import Sequence
from typing import Any

from tensorflow.python.framework.ops import uid

from saliency.tf.ops.graph_traversal import control_flow_graphs


def copy_operation(graph: Any, op: Any, inputs: Sequence[Any], attributes: Any = None) -> Any:
    """Return a copy of an operation.

    Args:
        graph: the operation's graph.
        op: the operation.
        inputs: the inputs of the copy.
        attributes: attributes of the copy that differ, protocol buffers by name.
    """
    attributes = {**op.node_def.attr, **(attributes or {})}
    attributes.pop("_class", None)  # colocation with the original
    types = [output.dtype for output in op.outputs]
    copy = graph.create_op(op.type, inputs, types, name=op.name, attrs=attributes, op_def=op.op_def)
    _rename_control_flow_graphs(copy)
    return copy


def _rename_control_flow_graphs(op: Any) -> None:
    """Give branches and loop bodies unique names: their gradients add functions of derived names to the graph."""
    for body in control_flow_graphs(op):
        body.name = f"saliency_{uid()}"
        for inner in body.get_operations():
            _rename_control_flow_graphs(inner)

"""Linear operations of a recorded forward pass: convolutions, and products of a variable and a constant matrix."""

from collections.abc import Sequence
from typing import TypeAlias

from torch.autograd.graph import Node

from saliency.torch.relevance import node_kinds as kinds
from saliency.torch.relevance.convolutions import Convolution
from saliency.torch.relevance.matrix_products import MatrixProduct
from saliency.torch.relevance.recorder import OperatorRecord
from saliency.torch.relevance.signed_weights import WeightBuffers

Linear: TypeAlias = Convolution | MatrixProduct


def linear_operation(
    node: Node, record: OperatorRecord | None, inputs: Sequence[int], buffers: WeightBuffers
) -> Linear | None:
    """Return the linear operation of a node with one variable input; None if it is none."""
    if record is None or len(inputs) != 1:
        return None
    if record.name in kinds.CONVOLUTIONS and inputs[0] == 0:
        return Convolution.of(record, buffers)
    if record.name in kinds.MATRIX_PRODUCTS and inputs[0] >= len(node.next_functions) - 2:
        return MatrixProduct.of(record, weight_first=inputs[0] == len(node.next_functions) - 1)
    return None

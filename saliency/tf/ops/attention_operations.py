"""Find the operations of attention in a graph, and arrange their weights."""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

import tensorflow as tf

from saliency.core.attention import UNKNOWN_TOKENS, NotSelfAttention, TokenGrid, no_attention, unusable_attention
from saliency.core.errors import ModelError
from saliency.core.token_layout import TokenLayout, read_layout, stated_layout, token_grid
from saliency.tf.ops.graph_traversal import CONDITIONS, FUNCTION_CALLS, LOOPS, operations_between

PRODUCTS = {"MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum"}
TRANSPARENT = {
    "Identity", "Cast", "Reshape", "Transpose", "ExpandDims", "Squeeze", "Mul", "AddV2", "RealDiv", "Select", "SelectV2",
    "StridedSlice", "Slice", "BroadcastTo", "Tile",
}  # fmt: skip
"""Operations through which weights pass on their way to the product with the values."""


def find_attention(
    operations: Sequence[Any], positions_of: Any, samples: int, stated: Any
) -> tuple[list[tuple[Any, TokenLayout]], TokenGrid]:
    """Return the weights of each layer of self-attention with their layout, and the grid of tokens.

    Args:
        operations: the operations between the input and the scores, in the order of the graph.
        positions_of: returns the positions of a softmax's queries and keys, None if they have none.
        samples: number of samples of the positions.
        stated: the grid of tokens that the user states, if the positions do not show it.

    Raises:
        ModelError: if the layers cannot be combined; see ``GradientAdapter.attentions``.
    """
    hidden = sorted({op.type for op in operations if op.type in FUNCTION_CALLS | CONDITIONS | LOOPS})
    if hidden:
        raise ModelError(
            f"the model may hide its attention in {', '.join(hidden)} operations. Use the model's eager layers, without "
            "conditions and loops, or GradCAM"
        )
    inner, found, reasons = set(operations), [], []
    softmaxes = [op for op in operations if op.type == "Softmax"]
    for i, op in enumerate(softmaxes):
        try:
            layout = _layout(op, positions_of(op.outputs[0]), inner, samples, stated)
        except NotSelfAttention as reason:
            reasons.append(f"softmax {i + 1} of {len(softmaxes)} ({op.name}): {reason}")
        else:
            found += [] if layout is None else [(op.outputs[0], layout)]
    if reasons:
        raise unusable_attention(reasons)
    if not found:
        raise no_attention()
    grid = token_grid([layout for _, layout in found], stated)
    for (earlier, _), (later, _) in pairwise(found):
        if not operations_between(earlier, later):
            raise unusable_attention(["its layers lie on parallel branches instead of following each other"])
    return found, grid


def _layout(op: Any, positions: Any, inner: Collection[Any], samples: int, stated: Any) -> TokenLayout | None:
    if positions is not None:
        return read_layout(positions, samples)
    if not _multiplies_values(op, inner):
        return None
    shape = op.outputs[0].shape
    layout = stated_layout(shape.as_list() if shape.rank is not None else (), stated, samples)
    if layout is None:
        raise NotSelfAttention(UNKNOWN_TOKENS)
    return layout


def _multiplies_values(op: Any, inner: Collection[Any]) -> bool:
    """Return whether the result of a softmax is multiplied as a matrix with another one that depends on the input."""
    stack, seen = list(op.outputs[0].consumers()), set()
    while stack:
        one = stack.pop()
        if one in seen or one not in inner:
            continue
        seen.add(one)
        if one.type in PRODUCTS and sum(tensor.op in inner for tensor in one.inputs[:2]) > 1:
            return True
        if one.type in TRANSPARENT:
            stack += [consumer for output in one.outputs for consumer in output.consumers()]
    return False


def arrange_weights(weights: Any, layout: TokenLayout, samples: Any) -> Any:
    """Return weights, or gradients by them, as (N, heads, queries, keys)."""
    last, tokens = [layout.query_dim, layout.key_dim], layout.tokens
    heads = layout.head_dims(weights.shape.rank)
    if layout.sample_dim is None:
        return tf.reshape(tf.transpose(weights, [*heads, *last]), [1, -1, tokens, tokens])
    ordered = tf.transpose(weights, [layout.sample_dim, *heads, *last])
    if layout.heads_first:
        split = tf.reshape(ordered, tf.concat([[-1, samples], tf.shape(ordered)[1:]], 0))
        ordered = tf.transpose(split, [1, 0, *range(2, weights.shape.rank + 1)])
    return tf.reshape(ordered, [samples, -1, tokens, tokens])

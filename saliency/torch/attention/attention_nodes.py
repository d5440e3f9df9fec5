"""The nodes of attention in an autograd graph: their weights, and the gradients by these."""

import math
from collections.abc import Collection, Iterable
from typing import Any

import torch
from torch.autograd.graph import Node

from saliency.core.token_layout import TokenLayout

SOFTMAX_NODES = {"SoftmaxBackward0", "SafeSoftmaxBackward0"}
WITH_LOGSUMEXP = {"ScaledDotProductFlashAttentionForCpuBackward0", "_scaled_dot_product_flash_attention_for_cpu"}
"""Nodes and operators of fused kernels that return the logarithm of the sum of exponentials, (N, heads, queries)."""

PRODUCTS = {"BmmBackward0", "MmBackward0", "BaddbmmBackward0", "MatmulBackward0"}
TRANSPARENT = {
    "View", "UnsafeView", "Reshape", "ReshapeAlias", "Expand", "Permute", "Transpose", "T", "Unsqueeze", "Squeeze", "Alias",
    "Clone", "ToCopy", "Mul", "MaskedFill", "Where", "NanToNum", "NativeDropout", "Div", "Select", "Slice", "Add",
}  # fmt: skip
"""Nodes through which weights pass on their way to the product with the values, without ``Backward`` and the number."""


def is_fused(node: Node) -> bool:
    """Return whether a node is that of a fused kernel, which saves queries, keys and values instead of the weights."""
    return "ScaledDotProduct" in node.name()


def is_attention(node: Node) -> bool:
    """Return whether a node may be attention: a softmax or a fused kernel."""
    return is_fused(node) or node.name() in SOFTMAX_NODES


def in_call_order(nodes: Iterable[Node]) -> list[Node]:
    """Return nodes in the order in which the forward pass called them."""
    return sorted(nodes, key=lambda node: node._sequence_nr())


def saved_operands(node: Any) -> tuple[torch.Tensor, ...]:
    """Return the tensors that identify an attention: its queries and keys, or the result of its softmax."""
    return (node._saved_query, node._saved_key) if is_fused(node) else (node._saved_result,)


def weights_shape(node: Any) -> tuple[int, ...]:
    """Return the shape of a node's weights."""
    first, *keys = saved_operands(node)
    return (*first.shape[:-1], keys[0].shape[-2]) if keys else tuple(first.shape)


def attention_weights(node: Any) -> torch.Tensor:
    """Return the weights of an attention, (..., queries, keys) for a fused kernel; those of a softmax as they are."""
    if not is_fused(node):
        result: torch.Tensor = node._saved_result.detach()
        return result
    return fused_weights(
        node._saved_query.detach(),
        node._saved_key.detach(),
        getattr(node, "_saved_scale", None),
        getattr(node, "_saved_attn_mask", getattr(node, "_saved_attn_bias", None)),
        getattr(node, "_saved_is_causal", False),
        node._saved_logsumexp if node.name() in WITH_LOGSUMEXP else None,
    )


def fused_weights(
    query: torch.Tensor,
    key: torch.Tensor,
    scale: float | None,
    bias: torch.Tensor | None,
    is_causal: bool,
    logsumexp: torch.Tensor | None,
) -> torch.Tensor:
    """Return the weights of a fused attention, (..., queries, keys).

    Args:
        query, key: (..., queries, channels) and (..., keys, channels).
        scale: of the products; None for the kernel's default.
        bias: what the kernel adds to the products, or which keys it uses; None without.
        is_causal: whether a query uses no later keys.
        logsumexp: the logarithm of the sum of exponentials of each query, if the kernel returned it.
    """
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else float(scale)
    logits = (query * scale) @ _for_each_head(key, query).transpose(-1, -2)
    if bias is None and logsumexp is not None and not is_causal:  # half the time of a softmax
        weights: torch.Tensor = logits.sub_(logsumexp.unsqueeze(-1)).exp_()
        return weights
    if bias is not None:
        logits = logits.masked_fill_(~bias, -math.inf) if bias.dtype == torch.bool else logits.add_(bias.detach())
    if is_causal:
        future = torch.ones(logits.shape[-2:], dtype=torch.bool, device=logits.device).triu_(1)
        logits = logits.masked_fill_(future, -math.inf)
    return torch.softmax(logits, -1)


def weights_gradient(node: Any, gradient: torch.Tensor) -> torch.Tensor:
    """Return the gradient by the weights from the gradient by the node's output."""
    if not is_fused(node):
        return gradient
    value = node._saved_value.detach()
    return gradient @ _for_each_head(value, gradient).transpose(-1, -2)


def arrange_weights(weights: torch.Tensor, layout: TokenLayout, samples: int) -> torch.Tensor:
    """Return weights, or gradients by them, as (N, heads, queries, keys)."""
    last, heads = (layout.query_dim, layout.key_dim), layout.head_dims(weights.ndim)
    shape = tuple(weights.shape[dim] for dim in last)
    if layout.sample_dim is None:
        return weights.permute(*heads, *last).reshape(1, -1, *shape)
    ordered = weights.permute(layout.sample_dim, *heads, *last)
    if layout.heads_first:
        ordered = ordered.reshape(-1, samples, *ordered.shape[1:]).transpose(0, 1)
    return ordered.reshape(samples, -1, *shape)


def multiplies_values(node: Node, consumers: dict[Node, list[Node]], inner: Collection[Node]) -> bool:
    """Return whether the result of a softmax is multiplied as a matrix with another one that depends on the input.

    Args:
        node: of the softmax.
        consumers: of the graph.
        inner: the nodes between the input and the score.
    """
    stack, seen = [*consumers.get(node, [])], set()
    while stack:
        one = stack.pop()
        if one in seen:
            continue
        seen.add(one)
        name = one.name().rpartition("Backward")[0]
        if one.name() in PRODUCTS and sum(earlier in inner for earlier, _ in one.next_functions) > 1:
            return True
        if name in TRANSPARENT:
            stack += consumers.get(one, [])
    return False


def _for_each_head(shared: torch.Tensor, of_heads: torch.Tensor) -> torch.Tensor:
    """Return keys or values once for each head of the queries, several of which may share them."""
    times = of_heads.shape[-3] // shared.shape[-3] if of_heads.ndim > 2 else 1
    return shared.repeat_interleave(times, -3) if times > 1 else shared

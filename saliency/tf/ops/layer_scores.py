"""Score the tokens behind every layer of attention by the end of the model, as if the following layers were absent."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from saliency.core.attention import no_blocks
from saliency.tf.ops.gradient_functions import copy_operation
from saliency.tf.ops.graph_traversal import is_differentiable, operations_between
from saliency.tf.ops.scores import BackwardStart


def starts_by_layer(x: Any, starts: Sequence[BackwardStart], attention: Sequence[Any]) -> list[list[BackwardStart]]:
    """Return the starts of backward passes from the scores of each layer's own tokens.

    The operations behind the last layer are copied for each other layer, with its tokens as their input.

    Args:
        x: the input.
        starts: those of the model's own scores.
        attention: the weights of each layer, in the order of the graph.

    Raises:
        ModelError: if the layers are no equal blocks that pass all tokens from one to the next.
    """
    if len(attention) == 1:
        return [list(starts)]
    between = operations_between(x, [tensor for tensor, _ in starts])
    order = [op for op in x.graph.get_operations() if op in between]
    *others, last = _block_ends(x, order, attention)
    behind = order[order.index(last.op) + 1 :]
    return [*([_with_tokens(behind, last, tokens, start) for start in starts] for tokens in others), list(starts)]


def _block_ends(x: Any, order: Sequence[Any], attention: Sequence[Any]) -> list[Any]:
    """Return the tokens behind each block: a tensor through which all that a later operation reads of the input passes.

    A block ends at the last such tensor before the next attention. The last block has the same operations as the others.
    """
    number = {op: i for i, op in enumerate(order)}
    cuts, places = _cuts(x, order, number), [number.get(weights.op, -1) for weights in attention]
    ends = [max((i for i in cuts if earlier < i < later), default=-1) for earlier, later in pairwise(places)]
    if min(*places, *ends) < 0:
        raise no_blocks()
    ends.append(places[-1] + ends[-1] - places[-2])
    blocks = {tuple(op.type for op in order[place + 1 : end + 1]) for place, end in zip(places, ends, strict=True)}
    tokens = [order[end].outputs[0] for end in ends if end in cuts]
    if len(blocks) > 1 or len(tokens) < len(ends) or len({(str(one.shape), one.dtype) for one in tokens}) > 1:
        raise no_blocks()
    return tokens


def _cuts(x: Any, order: Sequence[Any], number: dict[Any, int]) -> set[int]:
    """Return the numbers of the operations behind which no operation uses a tensor from before them."""
    cuts, latest = set(), _last_use([x], number)
    for i, op in enumerate(order):
        if latest <= i and len(op.outputs) == 1:
            cuts.add(i)
        latest = max(latest, _last_use(op.outputs, number))
    return cuts


def _last_use(tensors: Sequence[Any], number: dict[Any, int]) -> int:
    consumers = (op for tensor in tensors if is_differentiable(tensor) for op in tensor.consumers())
    return max((number[op] for op in consumers if op in number), default=-1)


def _with_tokens(operations: Sequence[Any], last: Any, tokens: Any, start: BackwardStart) -> BackwardStart:
    """Return a start from a copy of the operations behind the last block, whose tokens are replaced by those of another."""
    copies = {last.ref(): tokens}
    for op in operations:
        copy = copy_operation(op, [copies.get(tensor.ref(), tensor) for tensor in op.inputs])
        copies.update({tensor.ref(): one for tensor, one in zip(op.outputs, copy.outputs, strict=True)})
    tensor, gradient = start
    if tensor.ref() not in copies:
        raise no_blocks()
    return copies[tensor.ref()], gradient

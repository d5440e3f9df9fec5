"""Log the positions of the queries and keys of every attention in a forward pass."""

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import torch

from saliency.core.token_layout import AttentionPositions
from saliency.torch.positions.operator_call import OperatorCall
from saliency.torch.positions.products import PRODUCTS, SOFTMAX, key_positions
from saliency.torch.positions.reading import centers_of
from saliency.torch.positions.rules import result_positions
from saliency.torch.positions.state import Positions
from saliency.torch.positions.table import PositionTable


class AttentionLog:
    """The calls of softmax and of fused attention whose arguments have positions.

    Other positions describe the rows of a matrix of attention, which are its queries. This log follows those of its columns
    by the same rules.
    """

    def __init__(self) -> None:
        self._keys = PositionTable()
        self._found: dict[Hashable, AttentionPositions] = {}

    def add(self, call: OperatorCall, found: Any) -> None:
        """Add an operator's call.

        Args:
            call: the call.
            found: the positions of its result.
        """
        if "scaled_dot_product" in call.name:
            self._add_fused(call)
            return
        keys = self._keys_of_result(call, found)
        result = call.result
        several = keys if isinstance(keys, list) else [keys]
        for tensor, positions in zip(result if isinstance(result, list | tuple) else [result], several, strict=False):
            self._keys.set(tensor, positions if positions is not None and positions.in_pairs else None)
        if call.name in SOFTMAX and isinstance(result, torch.Tensor):
            keys, dim = self._keys.of(result), call.args[1] % max(1, result.ndim)
            if keys is not None or (isinstance(found, Positions) and found.varies_along(dim)):
                self._found[storage_key(result)] = _attention(tuple(result.shape), dim, found, keys)

    def of(self, *tensors: torch.Tensor) -> AttentionPositions | None:
        """Return the positions of attention by the result of its softmax, or the queries and keys of its fused operator."""
        return self._found.get(storage_key(*tensors))

    def _keys_of_result(self, call: OperatorCall, found: Any) -> Any:
        known = [self._keys.of(arg) for arg in (*call.args, *call.kwargs.values())]
        if any(one is not None for one in known):
            return result_positions(replace(call, of=self._keys.of))
        is_new = call.name in PRODUCTS and isinstance(found, Positions) and found.in_pairs
        return key_positions(call) if is_new else None

    def _add_fused(self, call: OperatorCall) -> None:
        query, key = call.args[:2]
        shape = (*query.shape[:-1], key.shape[-2])
        of_queries, of_keys = call.of(query), call.of(key)
        queries = None if of_queries is None else of_queries.unite(-1, shape)
        keys = None if of_keys is None else _as_columns(of_keys, shape)
        if queries is not None or keys is not None:
            self._found[storage_key(query, key)] = _attention(shape, len(shape) - 1, queries, keys)


def _attention(shape: tuple[int, ...], key_dim: int, queries: Any, keys: Positions | None) -> AttentionPositions:
    """Return the positions of weights from those of their rows and columns; a row that varies along the keys is no query."""
    is_query = isinstance(queries, Positions) and (keys is not None or not queries.varies_along(key_dim))
    of_queries, of_keys = (() if one is None else one.axes for one in (queries if is_query else None, keys))
    samples = of_queries[-1] if of_queries else None
    return AttentionPositions(
        shape,
        key_dim,
        [centers_of(one) for one in of_queries[:-1]],
        [centers_of(one) for one in of_keys[:-1]],
        centers_of(samples),
    )


def _as_columns(positions: Positions, shape: tuple[int, ...]) -> Positions:
    """Return the positions of keys (..., keys, channels) as those of the columns of attention weights."""
    united = positions.unite(-1, (*shape[:-2], shape[-1], 1))
    return united.map(lambda one: replace(one, values=one.values.swapaxes(-1, -2), shape=shape))


def storage_key(*tensors: torch.Tensor) -> Hashable:
    """Return what identifies tensors within one graph, which keeps their memory."""
    return tuple((tensor.data_ptr(), tuple(tensor.shape)) for tensor in tensors)

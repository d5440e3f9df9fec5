"""Read the weights of attention from the operators of a forward pass, which needs no graph."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch.autograd.graph import Node
from torch.utils._python_dispatch import TorchDispatchMode

from saliency.core.token_layout import TokenLayout
from saliency.torch.attention.attention_nodes import WITH_LOGSUMEXP, arrange_weights, fused_weights, saved_operands
from saliency.torch.positions.attention_log import storage_key

SOFTMAX_OPERATORS = {"_softmax", "_safe_softmax"}


@dataclass(frozen=True)
class CallPlan:
    """Which calls of a forward pass are attention.

    Args:
        names: the operators that may be attention, in the order of their calls, including those that the score does not use.
        layouts: how the weights of those are arranged that are attention, by the number of the call.
    """

    names: tuple[str, ...]
    layouts: Mapping[int, TokenLayout]


class AttentionCalls(TorchDispatchMode):  # type: ignore[no-untyped-call] # Torch leaves its hooks untyped
    """Note the calls of softmax and of fused attention in a forward pass, and compute the weights of those that are planned.

    Args:
        plan: None to compute no weights.
    """

    def __init__(self, plan: CallPlan | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._plan, self._names, self._keys = plan, list[str](), list[Hashable]()
        self._weights: list[tuple[torch.Tensor, int, TokenLayout]] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # as in LogitRecorder

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = _attention_name(func)
        if name is not None:
            layout = None if self._plan is None else self._plan.layouts.get(len(self._names))
            self._names.append(name)
            operands = (result,) if name in SOFTMAX_OPERATORS else args[:2]
            if self._plan is None:
                self._keys.append(storage_key(*operands))
            elif layout is not None:
                weights = _weights(func, name, args, kwargs or {}, result)
                self._weights.append((weights, weights._version, layout))
        return result

    def plan(self, layers: Sequence[tuple[Node, TokenLayout]]) -> CallPlan | None:
        """Return the plan of later passes from the layers in the graph of this one; None if the calls are not those."""
        last = {key: i for i, key in enumerate(self._keys)}
        numbers = [last.get(storage_key(*saved_operands(node))) for node, _ in layers]
        if None in numbers or len(set(numbers)) < len(numbers):
            return None
        layouts = {number: layout for number, (_, layout) in zip(numbers, layers, strict=True) if number is not None}
        return CallPlan(tuple(self._names), layouts)

    def weights(self, samples: int) -> list[torch.Tensor] | None:
        """Return the weights of each layer, (N, heads, queries, keys).

        None if the calls are not those of the plan, or if the model has overwritten weights.
        """
        if self._plan is None or tuple(self._names) != self._plan.names:
            return None
        for weights, version, layout in self._weights:
            if weights._version != version or not layout.fits(tuple(weights.shape)):
                return None
        return [arrange_weights(weights, layout, samples) for weights, _, layout in self._weights]


@cache
def _attention_name(func: Any) -> str | None:
    """Return the name of an operator that may be attention, otherwise None."""
    name: str = func.overloadpacket.__name__
    return name if name in SOFTMAX_OPERATORS or ("scaled_dot_product" in name and "backward" not in name) else None


def _weights(func: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> torch.Tensor:
    if name in SOFTMAX_OPERATORS:
        weights: torch.Tensor = result
        return weights
    given = dict(zip((one.name for one in func._schema.arguments), args, strict=False)) | dict(kwargs)
    return fused_weights(
        given["query"],
        given["key"],
        given.get("scale"),
        given.get("attn_mask", given.get("attn_bias")),
        given.get("is_causal", False),
        result[1] if name in WITH_LOGSUMEXP else None,
    )

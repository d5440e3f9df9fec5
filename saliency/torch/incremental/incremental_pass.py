"""A forward pass on patches: dispatch each operator to its rule, or give it full maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from saliency.core.incremental.forward_cost import ForwardCost
from saliency.torch.incremental.cost import CALL_COST
from saliency.torch.incremental.operator_cache import OperatorCache
from saliency.torch.incremental.operator_call import OperatorCall, replace_instances
from saliency.torch.incremental.patch import Patch
from saliency.torch.incremental.patch_tensor import MapStorage, PatchTensor, to_full_maps
from saliency.torch.incremental.pointwise_operators import POINTWISE, batch_norm, concatenate, pointwise
from saliency.torch.incremental.sliding_operators import average_pool, constant_pad, convolution, max_pool

RULES: dict[str, Callable[[OperatorCall], Patch | None]] = {
    **dict.fromkeys(POINTWISE, pointwise),
    **dict.fromkeys(("native_batch_norm", "cudnn_batch_norm", "_native_batch_norm_legit_no_training"), batch_norm),
    "cat": concatenate,
    "convolution": convolution,
    "max_pool2d_with_indices": max_pool,
    "avg_pool2d": average_pool,
    "constant_pad_nd": constant_pad,
}
"""Name of an operator -> a function that applies it to patches, or returns None if it needs full maps."""


@dataclass(frozen=True)
class IncrementalPass:
    """A forward pass on patches.

    Args:
        cache: results of the operators on the clean inputs.
        cost: the cost of the pass, which each operator updates.
        input_storage: the storage of the model's input.
    """

    cache: OperatorCache
    cost: ForwardCost
    input_storage: MapStorage

    @classmethod
    def start(cls, patch: Patch, cache: OperatorCache) -> tuple[IncrementalPass, PatchTensor]:
        """Return a new pass and the model's input for it."""
        forward_pass = cls(cache, ForwardCost(), MapStorage(patch))
        return forward_pass, PatchTensor(forward_pass.input_storage, patch.values, patch.shape, forward_pass)

    def dispatch(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run one operator on patches if it has a rule, otherwise on full maps."""
        name = func.overloadpacket.__name__
        if name == "clone" and args[0].map_storage is self.input_storage:
            self.cache.rewind()  # a forward pass starts with a copy of its input, and logits may need two passes
        if name in ("detach", "alias"):
            return PatchTensor(args[0].map_storage, args[0], tuple(args[0].shape), self)
        is_in_place = name.endswith("_")
        writes_full_maps = is_in_place and not isinstance(args[0], PatchTensor)
        patch = None if writes_full_maps else self._apply_rule(func, name.rstrip("_"), args, kwargs)
        if patch is None:
            full_kwargs = {key: to_full_maps(value) for key, value in kwargs.items()}
            result = func(*replace_instances(args, PatchTensor, to_full_maps), **full_kwargs)
            return args[0] if is_in_place and isinstance(args[0], PatchTensor) else result
        if is_in_place:
            args[0].map_storage.value = patch
            return args[0]
        return self._wrap(func, patch)

    def _apply_rule(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Patch | None:
        """Return an operator's output as a patch; None if there is no rule, or if an argument is full maps already."""
        flat = [one for arg in args for one in (arg if isinstance(arg, list | tuple) else (arg,))]
        values = [one.map_storage.value for one in flat if isinstance(one, PatchTensor)]
        functional = getattr(getattr(torch.ops.aten, name, None), func._overloadname, None)
        if name not in RULES or functional is None or any(isinstance(value, PatchTensor) for value in kwargs.values()):
            return None
        if not all(isinstance(value, Patch) for value in values):
            return None
        cached = self.cache.next_operator(functional)
        patch_args = replace_instances(args, PatchTensor, lambda tensor: tensor.map_storage.value)
        call = OperatorCall(functional, patch_args, kwargs, cached, self.cost)
        self.cost.add_call(CALL_COST)
        patch = None if cached.needs_full_maps else RULES[name](call)
        cached.needs_full_maps = patch is None
        return patch

    def _wrap(self, func: Any, patch: Patch) -> Any:
        """Return an operator's outputs; all but the first, statistics and positions of maxima, must not be used."""
        first = PatchTensor(MapStorage(patch), patch.values, patch.shape, self)
        others = len(func._schema.returns) - 1
        return (first, *(PatchTensor(MapStorage(None), first, (0,), self) for _ in range(others))) if others else first

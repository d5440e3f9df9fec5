"""The tensor on which the model runs: it has the shape of full feature maps, and holds patches as long as possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch

from saliency.torch.incremental.operator_cache import UnsupportedOperationError
from saliency.torch.incremental.patch import Patch


class Dispatcher(Protocol):
    """Runs the operators that patch tensors are passed to."""

    def dispatch(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Run an operator on its arguments, of which one at least is a patch tensor."""


@dataclass
class MapStorage:
    """The memory of a tensor and of all tensors that share it.

    Args:
        value: a patch at first, full maps once they are needed; None if the values must not be used.
    """

    value: Patch | torch.Tensor | None

    def full_maps(self) -> torch.Tensor:
        """Convert the patch to full maps permanently: later views and in-place operators use the same memory.

        Raises:
            UnsupportedOperationError: if the values must not be used.
        """
        if self.value is None:
            raise UnsupportedOperationError("the model uses the positions of maxima")
        if isinstance(self.value, Patch):
            self.value = self.value.full_maps()
        return self.value


class PatchTensor(torch.Tensor):
    """Feature maps (maps, channels, rows, columns) that are stored as patches.

    Args:
        map_storage: the patches.
        like: a tensor with the maps' type and device.
        shape: shape of the maps.
        forward_pass: the pass that handles the tensor's operators.
    """

    map_storage: MapStorage
    forward_pass: Dispatcher

    @staticmethod
    def __new__(
        cls: type[PatchTensor],
        map_storage: MapStorage,
        like: torch.Tensor,
        shape: tuple[int, ...],
        forward_pass: Dispatcher,
    ) -> PatchTensor:
        tensor = torch.Tensor._make_wrapper_subclass(cls, shape, dtype=like.dtype, device=like.device)
        tensor.map_storage, tensor.forward_pass = map_storage, forward_pass
        return tensor

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Copy and pickle the full maps: the user's code may keep a patch tensor where the adapter can't remove it."""
        return self.map_storage.full_maps().__reduce_ex__(protocol)  # type: ignore[no-untyped-call]

    def __deepcopy__(self, memo: dict[int, Any]) -> torch.Tensor:
        """Return a copy of the full maps."""
        return self.map_storage.full_maps().clone()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        flat = (one for arg in args for one in (arg if isinstance(arg, list | tuple) else (arg,)))
        first = next(one for one in flat if isinstance(one, PatchTensor))
        return first.forward_pass.dispatch(func, args, kwargs or {})


def to_full_maps(value: Any) -> Any:
    """Return full maps for a patch tensor, and any other value unchanged."""
    return value.map_storage.full_maps() if isinstance(value, PatchTensor) else value

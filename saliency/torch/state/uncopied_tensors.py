"""Record and restore many tensors at once, without their values."""

from collections.abc import Callable
from operator import attrgetter, is_
from typing import Any

import torch

from saliency.torch.state.tensor_snapshot import reset_version, restore_tensor

_version, _requires_grad, _is_leaf, _grad = map(attrgetter, ("_version", "requires_grad", "is_leaf", "grad"))
_ADDRESS: tuple[Callable[[torch.Tensor], Any], ...] = (torch.Tensor.data_ptr, torch.Tensor.size, torch.Tensor.stride)


class UncopiedTensors:
    """The shapes, the memory, the gradients and the versions of tensors.

    Each property of all tensors is read at once: separate snapshots take several times as long.

    Args:
        tensors: for which ``TensorSnapshot.is_supported``, and which were not created under ``torch.inference_mode()``.
    """

    def __init__(self, tensors: list[torch.Tensor]) -> None:
        self._tensors = tensors
        self._aliases = list(map(torch.Tensor.detach, tensors))  # keep the shapes and the memory
        self._versions = list(map(_version, tensors))
        self._requires_grad = list(map(_requires_grad, tensors))
        self._trained = [tensor for tensor in tensors if tensor.requires_grad and tensor.is_leaf]
        self._grads = list(map(_grad, self._trained))

    def storage_ids(self) -> set[int]:
        """Return the identities of the tensors' memory."""
        return {alias.untyped_storage()._cdata for alias in self._aliases}

    def are_written(self) -> bool:
        """Return whether an operator has written to one of the tensors since the snapshot or ``reset_versions``."""
        return list(map(_version, self._tensors)) != self._versions

    def restore(self) -> bool:
        """Restore what was recorded; return whether anything had changed."""
        if self._are_unchanged():
            return False
        grads = dict(zip(map(id, self._trained), self._grads, strict=True))
        recorded = zip(self._tensors, self._aliases, self._requires_grad, strict=True)
        changed = [restore_tensor(*one, grads.get(id(one[0]))) for one in recorded]
        return any(changed)

    def reset_versions(self) -> None:
        """Restore the versions too, see ``reset_version``."""
        versions = zip(self._tensors, self._versions, strict=True)
        self._versions = [reset_version(tensor, version) for tensor, version in versions]

    def _are_unchanged(self) -> bool:
        return (
            all(list(map(read, self._tensors)) == list(map(read, self._aliases)) for read in _ADDRESS)
            and list(map(_requires_grad, self._tensors)) == self._requires_grad
            and all(map(_is_leaf, self._trained))
            and all(map(is_, map(_grad, self._trained), self._grads))
        )

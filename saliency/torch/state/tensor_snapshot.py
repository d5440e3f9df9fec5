"""Record and restore one tensor."""

from typing import Any

import torch

MAX_COPIED_BYTES = 1 << 16
"""Largest tensor that is copied before each call: copying and comparing it takes about 20 microseconds."""

PLAIN_TYPES = {torch.Tensor, torch.nn.Parameter}

INTEGER_TYPES = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Bytes of an element -> the type as which its bits are compared, so that NaN equals NaN."""


class TensorSnapshot:
    """The shape, the memory and perhaps the values of a tensor.

    Args:
        tensor: of a type and layout for which ``is_supported``.
        copied: record the values too, if the tensor is small and on a CPU.
        any_device: record them on any device.
    """

    __slots__ = ("_alias", "_grad", "_requires_grad", "_tensor", "_version", "values")

    def __init__(self, tensor: torch.Tensor, copied: bool, any_device: bool = False) -> None:
        self._tensor, self._alias = tensor, tensor.detach()  # the alias keeps the shape and the memory
        self._version = None if tensor.is_inference() else tensor._version
        self._requires_grad = tensor.requires_grad
        self._grad = tensor.grad if self._requires_grad and tensor.is_leaf else None
        self.values = self._alias.clone() if copied and self.is_copied(tensor, any_device) else None

    @staticmethod
    def is_copied(tensor: torch.Tensor, any_device: bool = False) -> bool:
        """Return whether the values of a tensor can be copied: it is small, and on a CPU unless ``any_device``."""
        return (any_device or tensor.is_cpu) and tensor.nbytes <= MAX_COPIED_BYTES and 0 not in tensor.stride()

    @staticmethod
    def is_supported(tensor: torch.Tensor) -> bool:
        """Return whether a tensor is dense and of one of Torch's own types."""
        return type(tensor) in PLAIN_TYPES and tensor.layout == torch.strided

    @property
    def is_inference(self) -> bool:
        """Whether the tensor was created under ``torch.inference_mode()``."""
        return self._version is None

    @property
    def storage_id(self) -> int:
        """Return the identity of the tensor's memory."""
        identity: int = self._alias.untyped_storage()._cdata
        return identity

    def is_written(self) -> bool:
        """Return whether an operator has written to the tensor since the snapshot or the last ``reset_version``."""
        return self._version is not None and self._tensor._version != self._version

    def restore(self) -> bool:
        """Restore what was recorded; return whether anything had changed."""
        alias, values = self._alias, self.values
        is_changed = restore_tensor(self._tensor, alias, self._requires_grad, self._grad)
        if values is not None and (self.is_written() if not alias.is_cpu else not _has_equal_bits(alias, values)):
            alias.copy_(values)
            is_changed = True
        return is_changed

    def reset_version(self) -> None:
        """Restore the version too, see ``reset_version``."""
        if self._version is not None:
            self._version = reset_version(self._tensor, self._version)


def restore_tensor(tensor: torch.Tensor, alias: torch.Tensor, requires_grad: bool, grad: torch.Tensor | None) -> bool:
    """Restore a tensor's shape and memory, and whether it requires a gradient; return whether anything had changed.

    Args:
        tensor: the tensor.
        alias: a detached alias that was created before.
        requires_grad: whether the tensor required a gradient then.
        grad: its gradient then, if it was a leaf that required one.
    """
    is_changed = False
    if tensor.data_ptr() != alias.data_ptr() or tensor.shape != alias.shape or tensor.stride() != alias.stride():
        tensor.data = alias
        is_changed = True
    if tensor.requires_grad != requires_grad and tensor.is_leaf:
        tensor.requires_grad_(requires_grad)
        is_changed = True
    if requires_grad and tensor.is_leaf and tensor.grad is not grad:
        tensor.grad = grad
        is_changed = True
    return is_changed


def reset_version(tensor: torch.Tensor, version: int) -> int:
    """Restore a tensor's version, so that a graph of the user's that saved it stays valid; return the version.

    Copies of parameters that ``ChannelsLastWeights`` keeps are found by version; the versions of parameters stay.
    """
    if tensor._version != version and not isinstance(tensor, torch.nn.Parameter):
        _set_version(tensor, version)
    return tensor._version


def _has_equal_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    integers = None if a.is_quantized else INTEGER_TYPES.get(a.element_size())
    return torch.equal(a, b) if integers is None else torch.equal(a.view(integers), b.view(integers))


def _set_version(tensor: torch.Tensor, version: int) -> None:
    set_versions: Any = torch._C._autograd._unsafe_set_version_counter
    try:
        set_versions((tensor,), (version,))
    except TypeError:  # earlier versions of Torch accept a single tensor
        set_versions(tensor, version)

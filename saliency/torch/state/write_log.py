"""Record the earlier values of a model's tensors just before an operator changes them."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class WriteLog(TorchDispatchMode):  # type: ignore[no-untyped-call] # Torch leaves its hooks untyped
    """Record what operators write to some memory, so that it can be undone.

    Args:
        storage_ids: the memory, see ``TensorSnapshot.storage_id``.
    """

    def __init__(self, storage_ids: Collection[int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._storage_ids = storage_ids
        self._entries: list[tuple[torch.Tensor, torch.Tensor]] = []  # written tensors and their earlier values
        self._is_paused = False

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True would import Torch's compiler, which takes seconds

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        for value in _written_values(func, args, kwargs):
            for tensor in value if isinstance(value, list | tuple) else (value,):
                self._record(tensor)
        return func(*args, **kwargs)

    def _record(self, tensor: Any) -> None:
        if not self._is_paused and type(tensor) in (torch.Tensor, torch.nn.Parameter) and tensor.layout == torch.strided:
            alias = tensor.detach()
            if alias.untyped_storage()._cdata in self._storage_ids:
                self._entries.append((alias, alias.clone()))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Record nothing in a block."""
        self._is_paused = True
        try:
            yield
        finally:
            self._is_paused = False

    def undo(self) -> bool:
        """Restore the earlier values, the last first; return whether there were any."""
        is_changed = bool(self._entries)
        while self._entries:
            tensor, values = self._entries[-1]  # removed afterwards, because an interrupt may occur in between
            tensor.copy_(values)
            self._entries.pop()
        return is_changed


@dataclass(frozen=True)
class _Operator:
    """The arguments of an operator that it writes to, and the one that must be true for that, by position and name."""

    written: tuple[tuple[int, str], ...]
    condition: tuple[int, str] | None = None

    @classmethod
    @cache
    def of(cls, func: Any) -> "_Operator":
        """Read an operator's schema; those of batch norms do not declare that training updates the running statistics."""
        arguments = [(position, argument.name) for position, argument in enumerate(func._schema.arguments)]
        infos = [argument.alias_info for argument in func._schema.arguments]
        written = tuple(one for one, info in zip(arguments, infos, strict=True) if info is not None and info.is_write)
        condition = next((one for one in arguments if one[1] in ("training", "train")), None)
        statistics = tuple(one for one in arguments if one[1] in ("running_mean", "running_var"))
        return cls(written or statistics, None if written else condition)


def _written_values(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """Return the arguments that a call of an operator writes to."""

    def value_of(position: int, name: str) -> Any:
        return args[position] if position < len(args) else kwargs.get(name)

    operator = _Operator.of(func)
    if operator.condition is not None and not value_of(*operator.condition):
        return []
    return [value_of(*each) for each in operator.written]

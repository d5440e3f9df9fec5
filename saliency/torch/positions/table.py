"""A table of the positions of tensors, which forgets a tensor that no longer exists."""

from typing import Any
from weakref import ref

import torch

from saliency.torch.positions.state import Positions


class PositionTable:
    """Positions by tensor."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[ref[torch.Tensor], Positions]] = {}  # by the tensor's id

    def of(self, value: Any) -> Positions | None:
        """Return the positions of a tensor, or None."""
        entry = self._entries.get(id(value))
        return entry[1] if entry is not None and entry[0]() is value else None

    def set(self, tensor: torch.Tensor, positions: Positions | None) -> None:
        """Set the positions of a tensor."""
        if positions is not None:
            key, table = id(tensor), self._entries
            table[key] = ref(tensor, lambda _: table.pop(key, None)), positions
        else:
            self._entries.pop(id(tensor), None)

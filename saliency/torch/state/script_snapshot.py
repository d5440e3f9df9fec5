"""Record and restore the attributes of a scripted or traced module."""

from typing import Any

import torch

SIMPLE_TYPES = (bool, int, float, complex, str, type(None))


class ScriptSnapshot:
    """The attributes of a module whose attributes TorchScript holds.

    Args:
        module: the module, without its submodules.
    """

    def __init__(self, module: torch.jit.ScriptModule) -> None:
        self._script: Any = module._c
        kind = getattr(module, "_concrete_type", None)  # a frozen module has none, and its attributes are constants
        names = [name for name in (kind.get_attributes() if kind else ()) if self._script.hasattr(name)]
        self._attributes = {name: self._script.getattr(name) for name in names}

    @property
    def values(self) -> list[Any]:
        """Return the attributes' values: tensors that share the module's memory, and copies of lists and dictionaries."""
        return list(self._attributes.values())

    def restore(self) -> bool:
        """Restore the attributes; return whether another tensor or value had been assigned."""
        is_changed = False
        for name, value in self._attributes.items():
            now = self._script.getattr(name)
            is_same = now == value if isinstance(value, SIMPLE_TYPES) and isinstance(now, SIMPLE_TYPES) else now is value
            if not is_same:
                self._script.setattr(name, value)
                is_changed = is_changed or isinstance(value, (torch.Tensor, *SIMPLE_TYPES))  # others are copies in any case
        return is_changed

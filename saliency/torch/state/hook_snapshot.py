"""Remove hooks that a model's own library registers in its first pass."""

from collections.abc import Hashable
from typing import Any

import torch

REGISTERING_PACKAGES = {"transformers"}
"""Packages whose models register hooks on their layers in the first pass, and note that in an attribute.

The attribute is restored, so their hooks are removed too: otherwise the next pass would register them a second time, and
collect each layer's output twice. Other hooks stay, because other threads may add and remove them.
"""


class HookSnapshot:
    """The forward hooks of a module.

    Args:
        module: the module.
    """

    def __init__(self, module: torch.nn.Module) -> None:
        self.hooks: dict[Hashable, Any] = module._forward_hooks  # type: ignore[assignment] # an ordered dictionary
        self._recorded = frozenset(self.hooks)

    def restore(self) -> bool:
        """Remove the hooks that were added by a package of ``REGISTERING_PACKAGES``; return whether there were any."""
        if self._recorded.issuperset(self.hooks):
            return False
        added = [
            key
            for key, hook in list(self.hooks.items())
            if key not in self._recorded and _package(hook) in REGISTERING_PACKAGES
        ]
        for key in added:
            self.hooks.pop(key, None)
        return bool(added)


def _package(hook: Any) -> str:
    return str(getattr(hook, "__module__", "")).partition(".")[0]

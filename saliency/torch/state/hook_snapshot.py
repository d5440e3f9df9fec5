"""Remove hooks that a model's own library registers in its first pass."""

from collections.abc import Collection, Hashable
from typing import Any

REGISTERING_PACKAGES = {"transformers"}
"""Packages whose models register hooks on their layers in the first pass, and note that in an attribute.

The attribute is restored, so their hooks are removed too: otherwise the next pass would register them a second time, and
collect each layer's output twice. Other hooks stay, because other threads may add and remove them.
"""


def remove_added_hooks(hooks: dict[Hashable, Any], recorded: Collection[Hashable]) -> bool:
    """Remove the hooks that were added by a package of ``REGISTERING_PACKAGES``; return whether there were any.

    Args:
        hooks: the forward hooks of a module, by key.
        recorded: their keys in the beginning.
    """
    added = [key for key, hook in list(hooks.items()) if key not in recorded and _package(hook) in REGISTERING_PACKAGES]
    for key in added:
        hooks.pop(key, None)
    return bool(added)


def _package(hook: Any) -> str:
    return str(getattr(hook, "__module__", "")).partition(".")[0]

"""Which frameworks cannot use their threads in this process, because it was forked after they had started them."""

import os
import sys
from collections.abc import Callable
from typing import Any

MAY_HAVE_THREADS: dict[str, Callable[[Any], bool]] = {
    "torch": lambda _module: True,
    "tensorflow.python.eager.context": lambda module: getattr(module.context_safe(), "_initialized", False),
}
"""Name of a module -> whether its framework may have started threads, or has done so for certain (TensorFlow)."""


class _Process:
    """This process."""

    modules_without_threads: frozenset[str] = frozenset()


def _note_fork() -> None:
    found = (name for name, may_have in MAY_HAVE_THREADS.items() if name in sys.modules and may_have(sys.modules[name]))
    _Process.modules_without_threads = frozenset(found)


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_note_fork)


def has_lost_threads(module: str) -> bool:
    """Return whether this process was forked while a framework may have had threads, which do not exist here.

    Args:
        module: one of ``MAY_HAVE_THREADS``.
    """
    return module in _Process.modules_without_threads

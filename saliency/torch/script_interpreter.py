"""Run TorchScript without its optimizations, so that every call has the same graph of single operations.

After a few calls, TorchScript combines operations into ``DifferentiableGraph`` nodes. These hide the logits and the ReLUs, so
the first calls would explain another function than the later ones.
"""

import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch

from saliency.core.undo import Undo, undoable
from saliency.torch.unoptimized_script import UnoptimizedScript

METHOD, FUNCTION = torch._C.ScriptMethod, torch._C.ScriptFunction
ORIGINAL_CALLS: dict[type, Any] = {kind: kind.__dict__["__call__"] for kind in (METHOD, FUNCTION)}

_lock, _thread = threading.RLock(), threading.local()
_blocks: set[Undo] = set()
_copies: WeakKeyDictionary[Any, UnoptimizedScript | None] = WeakKeyDictionary()


@undoable
def unoptimized_scripts(undo: Undo) -> None:
    """Run the script methods and functions that this thread calls in the block without optimizations.

    While such a block runs on any thread, their types have another ``__call__``, which passes the calls of other threads on.
    """
    undo.add(_end, undo, getattr(_thread, "active", False))
    with _lock:
        if not _blocks:
            for kind in ORIGINAL_CALLS:
                setattr(kind, "__call__", _make_call(kind))  # noqa: B010 - for mypy, a method
        _blocks.add(undo)
    _thread.active = True


def _end(undo: Undo, outer: bool) -> None:
    _thread.active = outer
    with _lock:
        _blocks.discard(undo)
        if not _blocks:
            for kind, original in ORIGINAL_CALLS.items():
                setattr(kind, "__call__", original)  # noqa: B010


def _make_call(kind: type) -> Callable[..., Any]:
    def call(script: Any, /, *args: Any, **kwargs: Any) -> Any:
        if getattr(_thread, "active", False):
            copy = _copy_of(script)
            arguments = None if copy is None else copy.bind((script.owner, *args) if kind is METHOD else args, kwargs)
            if copy is not None and arguments is not None:
                return copy.run(_call_original, arguments)
        return _call_original(script, *args, **kwargs)

    return call


def _call_original(script: Any, /, *args: Any, **kwargs: Any) -> Any:
    return ORIGINAL_CALLS[type(script)].__get__(script)(*args, **kwargs)


def _copy_of(script: Any) -> UnoptimizedScript | None:
    """Return the copy of a script method or function, from the cache if possible; None if it cannot be copied."""
    if script not in _copies:
        try:
            _copies[script] = UnoptimizedScript.copy_of(script)
        except RuntimeError:  # an operation that only the original's compilation unit has
            _copies[script] = None
    return _copies[script]

"""Values that a call provides for everything that it calls in its thread."""

import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, Generic, TypeVar

from saliency.core.stack_frames import is_running

T = TypeVar("T")


class _Entries(threading.local):
    """The calls of one thread that provide values, the innermost last, each with its value."""

    def __init__(self) -> None:
        self.entries: list[tuple[FrameType, Any]] = []


class CallValue(Generic[T]):
    """A value that one call provides, and that holds while this call is on the thread's stack.

    A value that was not withdrawn, because an interrupt came in between, is ignored once the call has ended.
    """

    def __init__(self) -> None:
        self._thread = _Entries()

    def provide(self, value: T, call: FrameType) -> Callable[[], None]:
        """Provide a value, which replaces the values of outer calls; return a function that withdraws it.

        Args:
            value: the value.
            call: the frame of the call.
        """
        self.current()  # drops what ended calls have left
        self._thread.entries.append((call, value))
        return partial(self._withdraw, call)

    def _withdraw(self, call: FrameType) -> None:
        self._thread.entries = [entry for entry in self._thread.entries if entry[0] is not call]

    def current(self) -> T | None:
        """Return the value of the innermost call that is still running; None if there is none."""
        entries = self._thread.entries
        while entries and not is_running(entries[-1][0]):
            del entries[-1]
        return entries[-1][1] if entries else None

"""Defer Ctrl-C and other signals while an exception would do damage."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class DeferredSignals:
    """Record the signals that arrive, until they are delivered to their own handlers.

    Python runs signal handlers between two instructions of the main thread, and a handler may raise an exception, as that of
    Ctrl-C does. In other threads there is nothing to defer.
    """

    def __init__(self) -> None:
        self._handlers: dict[int, Any] = {}
        self._pending: list[int] = []
        self._active = False

    def deliver(self) -> None:
        """Call the handlers of the signals that have arrived, which may raise an exception."""
        while self._pending:
            number = self._pending.pop(0)
            self._handlers[number](number, None)

    def start(self) -> None:
        """Replace all signal handlers that are written in Python."""
        if threading.current_thread() is not threading.main_thread():
            return
        try:
            self._replace_handlers()
        except BaseException:  # a signal arrived in the meantime, and its handler raised an exception
            self._restore_handlers()
            raise

    def stop(self) -> None:
        """Restore the handlers, and deliver the signals that have arrived."""
        try:
            self._restore_handlers()
        except BaseException:  # as above
            self._restore_handlers()
            raise
        self.deliver()

    def _replace_handlers(self) -> None:
        for number in signal.valid_signals():
            handler = signal.getsignal(number)
            if callable(handler):
                self._handlers[number] = handler
                signal.signal(number, self._receive)
        self._active = True  # until here, signals are passed on

    def _restore_handlers(self) -> None:
        self._active = False  # from here on, signals are passed on
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if not self._active:
            self._handlers[number](number, frame)
        elif number not in self._pending:
            self._pending.append(number)


@contextmanager
def deferred_signals() -> Iterator[DeferredSignals]:
    """Run the block without interruption by signals. They are delivered when it ends, or where it calls ``deliver``."""
    signals = DeferredSignals()
    signals.start()
    try:
        yield signals
    finally:
        signals.stop()

"""Hold Ctrl-C back while a model's state is changed, and deliver it once the state is restored.

A Python signal handler may raise its exception between any two instructions of the main thread, also within ``__enter__``,
``__exit__`` and ``finally``, and in the frameworks' own context managers. No guard can restore the state at each of these
moments, so the exception is raised at a moment when nothing is to be restored.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from types import FrameType
from typing import Any

_signal: Any = import_module("_signal")
"""The functions of ``signal`` without its conversions between numbers and enumerations, which take 10 microseconds a call."""

SIGNALS = (int(signal.SIGTERM), int(signal.SIGINT))
"""Signals whose handlers raise exceptions: Ctrl-C, and a request to stop if the program handles it in Python."""

PATIENCE = 1.0
"""After this number of seconds, the same signal is delivered at once when it arrives again: the model may not return."""

_deferred: "list[_DeferredSignal]" = []
"""The signals that are held back; only the main thread changes the list."""


class _DeferredSignal:
    """A signal handler that remembers its signal, in place of the program's own handler.

    Args:
        number: of the signal.
        handler: the program's own handler.
    """

    def __init__(self, number: int, handler: Callable[[int, FrameType | None], Any]) -> None:
        self.handler, self._number, self._arrival = handler, number, 0.0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self not in _deferred or (self._arrival and now - self._arrival >= PATIENCE):
            self._arrival = 0.0
            self.handler(number, frame)
        elif not self._arrival:
            self._arrival = now

    def deliver(self) -> None:
        """Call the program's handler if a signal was held back."""
        if self._arrival:
            self._arrival = 0.0
            self.handler(self._number, sys._getframe(1))

    def uninstall(self) -> None:
        """Install the program's own handler again, unless the model has installed another one."""
        if _signal.getsignal(self._number) is self:
            _signal.signal(self._number, self.handler)


class DeferredInterrupts:
    """Hold Ctrl-C (SIGINT) and SIGTERM back for a block, and deliver them when it ends.

    Blocks may be nested; the outermost one counts. A block has no effect on signals that no Python function handles, and none
    outside the main thread, which alone receives signals. A second Ctrl-C after ``PATIENCE`` seconds is delivered at once.

    A block costs about 3 microseconds.
    """

    __slots__ = ("_installed",)

    def __init__(self) -> None:
        self._installed: list[_DeferredSignal] = []

    def __enter__(self) -> None:
        if not _deferred and _is_main_thread():
            try:
                self._install()
            except ValueError:  # a subinterpreter, which receives no signals
                self._remove()
            except BaseException:
                self._remove()
                raise

    def __exit__(self, *_error: object) -> None:
        if self._installed:
            try:
                self._remove()
            finally:
                self._remove()  # the rest, if a signal arrived in between
                for each in self._installed:
                    each.deliver()

    def _install(self) -> None:
        for number in SIGNALS:
            handler = _signal.getsignal(number)
            while isinstance(handler, _DeferredSignal):  # one that another signal kept from being removed
                handler = handler.handler
            if callable(handler):
                deferred = _DeferredSignal(number, handler)
                self._installed.append(deferred)  # first, because a signal may arrive between any two of these lines
                _deferred.append(deferred)
                _signal.signal(number, deferred)

    def _remove(self) -> None:
        _deferred.clear()  # in one step; from here on, a handler that stays installed passes its signals on
        for each in self._installed:
            each.uninstall()


def deliver_interrupts() -> None:
    """Deliver signals that are held back, at a moment that is as good as any for an exception, such as between two passes."""
    if _deferred and _is_main_thread():
        for each in list(_deferred):
            each.deliver()


def _is_main_thread() -> bool:
    """Return whether signals arrive in this thread."""
    return threading.get_ident() == threading.main_thread().ident

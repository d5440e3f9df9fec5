"""Hold signals back while a model's state is changed or HDF5 writes, and deliver them afterwards.

A Python signal handler may raise its exception between any two instructions of the main thread, also within ``__enter__``,
``__exit__`` and ``finally``, and in the frameworks' own context managers. No guard can restore the state at each of these
moments, so the exception is raised at a moment when nothing is to be restored. Within HDF5, it would crash the process.
"""

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
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
        handler: the program's own handler, or that of an outer block.
        patience: seconds after which the same signal is delivered at once.
    """

    def __init__(self, number: int, handler: Callable[[int, FrameType | None], Any], patience: float) -> None:
        self.handler, self._number, self._arrival, self._patience = handler, number, 0.0, patience

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self not in _deferred or (self._arrival and now - self._arrival >= self._patience):
            self._arrival = 0.0
            self.handler(number, frame)
        elif not self._arrival:
            self._arrival = now

    def deliver(self) -> None:
        """Call the handler if a signal was held back."""
        if self._arrival:
            self._arrival = 0.0
            self.handler(self._number, sys._getframe(1))

    def uninstall(self) -> None:
        """Install the handler again, unless the model has installed another one."""
        if _signal.getsignal(self._number) is self:
            _signal.signal(self._number, self.handler)


class DeferredInterrupts:
    """Hold Ctrl-C (SIGINT) and SIGTERM back for a block, and deliver them when it ends.

    Blocks may be nested; the outermost one counts. A block has no effect on signals that no Python function handles, and none
    outside the main thread, which alone receives signals. A second Ctrl-C after ``PATIENCE`` seconds is delivered at once.

    A block costs about 3 microseconds.

    Args:
        every_signal: for code that no exception may leave, such as HDF5: hold back all signals that a Python function
            handles, however long and however often they arrive, also within another block.
    """

    __slots__ = ("_every_signal", "_installed")

    def __init__(self, every_signal: bool = False) -> None:
        self._every_signal = every_signal
        self._installed: list[_DeferredSignal] = []

    def __enter__(self) -> "DeferredInterrupts":
        if (self._every_signal or not _deferred) and _is_main_thread():
            try:
                self._install()
            except ValueError:  # a subinterpreter, which receives no signals
                self._remove()
            except BaseException:
                self._remove()
                raise
        return self

    def __exit__(self, *_error: object) -> None:
        if self._installed:
            try:
                self._remove()
            finally:
                self._remove()  # the rest, if a signal arrived in between
                self.deliver()

    def deliver(self) -> None:
        """Call the handlers of the signals that this block has held back; they may raise an exception."""
        _deliver(self._installed)

    def _install(self) -> None:
        numbers, patience = (_signal.valid_signals(), math.inf) if self._every_signal else (SIGNALS, PATIENCE)
        for number in sorted(numbers):
            handler = _signal.getsignal(number)
            while isinstance(handler, _DeferredSignal) and handler not in _deferred:  # a signal kept it from being removed
                handler = handler.handler
            if callable(handler):
                deferred = _DeferredSignal(number, handler, patience)
                self._installed.append(deferred)  # first, because a signal may arrive between any two of these lines
                _deferred.append(deferred)
                _signal.signal(number, deferred)

    def _remove(self) -> None:
        # In one step; from here on, a handler that stays installed passes its signals on.
        _deferred[:] = [each for each in _deferred if each not in self._installed]
        for each in self._installed:
            each.uninstall()


def deliver_interrupts() -> None:
    """Deliver signals that are held back, at a moment that is as good as any for an exception, such as between two passes."""
    if _deferred and _is_main_thread():
        _deliver(list(_deferred))


def _deliver(signals: Sequence[_DeferredSignal]) -> None:
    """Call the handlers of the signals that were held back, also if the first one raises an exception."""
    if signals:
        try:
            signals[0].deliver()
        finally:
            _deliver(signals[1:])


def _is_main_thread() -> bool:
    """Return whether signals arrive in this thread."""
    return threading.get_ident() == threading.main_thread().ident

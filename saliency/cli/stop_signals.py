"""Stop a command on SIGINT (Ctrl-C) and SIGTERM, and remember that it was stopped."""

import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

DEFAULT_HANDLERS = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}

RESENT_AFTER = 0.02
"""Seconds after which a signal is sent again whose exception Python has lost."""


class StopSignals:
    """Raise ``KeyboardInterrupt`` when a signal arrives that stops a command.

    As a context manager, it replaces Python's default handlers of these signals; other handlers, and those of a process that
    ignores a signal, are left. In other threads than the main one, it has no effect.

    Python drops an exception that a handler raises in a destructor or in the callback of a weak reference, and prints its
    traceback. The signal is then sent again instead.
    """

    def __init__(self) -> None:
        self._number = signal.SIGINT
        self._replaced: dict[signal.Signals, Any] = {}
        self._resent: threading.Timer | None = None
        self.received = False

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            for number, default in DEFAULT_HANDLERS.items():
                if signal.getsignal(number) == default:
                    self._replaced[number] = default
                    signal.signal(number, self._receive)
        if self._replaced:
            self._earlier_hook, sys.unraisablehook = sys.unraisablehook, self._send_again
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._replaced:
            sys.unraisablehook = self._earlier_hook
        if self._resent is not None:
            self._resent.cancel()
            self._resent.join()
        for number, default in self._replaced.items():
            signal.signal(number, default)

    @property
    def status(self) -> int:
        """The exit status of a stopped command."""
        return 128 + self._number

    @property
    def word(self) -> str:
        """What happened to the command, for its message."""
        return WORDS[self._number]

    def ignore(self) -> None:
        """Ignore further signals, while the command ends."""
        for number in self._replaced:
            signal.signal(number, signal.SIG_IGN)

    def _receive(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        if not self.received:  # the first signal is the reason
            self.received, self._number = True, signal.Signals(number)
        raise KeyboardInterrupt

    def _send_again(self, lost: "sys.UnraisableHookArgs") -> None:
        if self.received and lost.exc_type is KeyboardInterrupt:
            self._resent = threading.Timer(RESENT_AFTER, os.kill, (os.getpid(), self._number))
            self._resent.start()
        else:
            self._earlier_hook(lost)

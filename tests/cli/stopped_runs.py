"""Stop a run with other processes in the middle."""

import multiprocessing
import os
import signal


def kill_and_interrupt(monkeypatch, kind, name):
    """Let the second call of a method kill one of the other processes, and the third one send Ctrl-C."""
    original, computed = getattr(kind, name), []

    def compute(*rest):
        computed.append(1)
        if len(computed) == 2:
            os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
        if len(computed) == 3:
            signal.raise_signal(signal.SIGINT)
        return original(*rest)

    monkeypatch.setattr(kind, name, compute)

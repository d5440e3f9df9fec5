"""Interrupt a call at the n-th line of this library that it executes."""

import linecache
import random
import signal
import sys
import threading
from pathlib import Path

PACKAGE = str(Path(__file__).parents[1] / "saliency")


def press_ctrl_c():
    """Send SIGINT; Python runs its handler before this function returns."""
    signal.raise_signal(signal.SIGINT)


def raise_interrupt():
    """Raise the exception that another thread sets by ``PyThreadState_SetAsyncExc``."""
    raise KeyboardInterrupt


def _is_block_end(frame):
    """Tell a line with a `with` statement: a tracer's exception may skip its `__exit__`, which no real interrupt does."""
    return linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip().startswith("with ")


def run_until_line(call, line, interrupt):
    """Call, and interrupt at a line; return the number of lines that were executed, and whether the call was interrupted."""
    lines, arrived = 0, threading.Event()

    def trace(frame, event, _):
        nonlocal lines
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line" and not _is_block_end(frame):
            lines += 1
            if lines >= line and not arrived.is_set():
                arrived.set()
                interrupt()
        return trace

    outer, interrupted = sys.gettrace(), False
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        interrupted = True
    finally:
        sys.settrace(outer)
    return lines, interrupted


def interrupted_lines(count, lines, seed=0):
    """Return line numbers for ``run_until_line``: some from each part of a call."""
    draw = random.Random(seed)
    return sorted({draw.randrange(1 + k * lines // count, max(2, 2 + (k + 1) * lines // count)) for k in range(count)})

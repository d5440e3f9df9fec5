"""Judge a call: it returns a result, or raises one error of this library; anything else falls short."""

import ast
import functools
import signal
import traceback
import warnings
from contextlib import contextmanager
from pathlib import Path

import saliency
from saliency.cli.options import CommandError
from saliency.core.errors import SaliencyError

LIBRARY = Path(saliency.__file__).parent
SECONDS = 60
"""Time limit of one call. It is generous, because a machine that many processes share may stall for half a minute."""


class Hang(BaseException):
    """A call exceeded its time limit. No ``Exception``, so that the library cannot translate it."""


@contextmanager
def time_limit(seconds):
    """Raise ``Hang`` in the block after some seconds; code in C is interrupted when it returns. Main thread only."""

    def stop(*_):
        raise Hang(f"no result after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@functools.cache
def _lines_that_raise(file):
    nodes = (node for node in ast.walk(ast.parse(Path(file).read_text())) if isinstance(node, ast.Raise))
    return {line for node in nodes for line in range(node.lineno, node.end_lineno + 1)}


def is_ours(error):
    """Return whether this library raised an error: one of its tree, a ``ValueError`` that it raises itself, or a file's error."""
    if isinstance(error, SaliencyError | CommandError):
        return True
    if isinstance(error, OSError) and error.errno is not None and error.filename is not None:
        return _place(error).startswith("io/")
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    raised = LIBRARY in Path(frame.f_code.co_filename).parents and line in _lines_that_raise(frame.f_code.co_filename)
    return raised and isinstance(error, ValueError | OSError | KeyError) and "Exceeds the limit" not in str(error)


def _message_problem(error):
    text = str(error).strip()
    return "" if text and len(text) < 5500 else f"its message has {len(text)} characters"


def shortfall(call, check=None, seconds=SECONDS):
    """Return what is wrong with a call in one line; an empty string if nothing is.

    Args:
        call: a function without arguments.
        check: receives the result; it raises an ``AssertionError`` if the result is wrong.
        seconds: the time limit.
    """
    try:
        with warnings.catch_warnings(), time_limit(seconds):
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", RuntimeWarning)  # of NumPy: a number that overflows or is lost
            result = call()
            if check is not None:
                check(result)
    except Exception as error:
        problem = _message_problem(error) if is_ours(error) else "foreign"
        return problem and f"{problem}: {_place(error)}: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    except Hang as hang:
        return f"hang: {_place(hang)}: {hang}"
    return ""


def _place(error):
    """Return the innermost line of this library that an error passed."""
    frames = [(Path(frame.f_code.co_filename), line) for frame, line in traceback.walk_tb(error.__traceback__)]
    ours = [f"{file.relative_to(LIBRARY)}:{line}" for file, line in frames if LIBRARY in file.parents]
    return ours[-1] if ours else "outside"

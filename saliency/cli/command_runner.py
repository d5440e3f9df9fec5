"""Run a command, report its errors in one line, and return its exit status."""

import errno
import os
import re
import sys
from collections.abc import Callable, Sequence

from saliency.cli.options import CommandError, shorten_words
from saliency.cli.run_log import TooManyFailures, print_message
from saliency.cli.stop_signals import StopSignals
from saliency.core.errors import SaliencyError

PYTHON_ARGUMENT = re.compile(
    r"`(net|weights|framework|trust|max_model_bytes|weights_timeout|address|workers|gpus_per_worker)`"
)  # arguments of nets.load and saliency.ray.connect, which are options of the commands
REPORTED_ERRORS = (CommandError, SaliencyError, ValueError, RuntimeError, OSError, ImportError, MemoryError)

FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def run_command(name: str, work: Callable[[list[str]], int], argv: Sequence[str] | None, interrupted: str) -> int:
    """Run a command and report its errors on the standard error stream.

    Args:
        name: name of the command.
        work: a function from the arguments to an exit status. The messages of its errors are printed in one line.
        argv: the arguments; None for those of the process.
        interrupted: what is printed after an interrupt whose exception has no message: what to do next.

    Returns:
        The exit status of ``work``; 1 if too many images failed or the disk is full, 2 after another error, 130 after SIGINT
        (Ctrl-C), 143 after SIGTERM.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's log lines would hide the error message
    arguments = list(sys.argv[1:] if argv is None else argv)
    with StopSignals() as signals:
        try:
            status = work(arguments)
            signals.ignore()
            if not signals.received:
                return status
            state = "the output is complete"  # the exception was lost, as in a callback of a weak reference
        except KeyboardInterrupt as stop:
            signals.ignore()
            state = str(stop) or interrupted
        except TooManyFailures as stopped:
            print_message(f"{name}: {stopped}")
            return 1
        except REPORTED_ERRORS as error:
            if "-debug" in arguments or "--debug" in arguments:
                raise
            if not signals.received:
                return _print_error(name, error, interrupted)
            state = interrupted  # some code replaced the exception of the signal
        # A KeyboardInterrupt that passed through exec(), as in the import of a dataclass, leaves a mark, for which
        # ``python -m`` ends with SIGINT whatever its exit status. The next exec() of a string removes the mark.
        exec("")  # noqa: S102
        print_message(f"{name}: {signals.word}; {state}")
        return signals.status


def _print_error(name: str, error: BaseException, way_on: str) -> int:
    """Print an error in one line; return the exit status."""
    is_full = isinstance(error, OSError) and error.errno in FULL_DISK
    hint = f"; free some space, then {way_on}" if is_full else ""
    print_message(f"{name}: error: {shorten_words(' '.join(_error_message(error).split()))}{hint}")
    return 1 if is_full else 2


def _error_message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename2 or error.filename}: {error.strerror}"
    return PYTHON_ARGUMENT.sub(_option_name, str(error)) or type(error).__name__


def _option_name(argument: re.Match[str]) -> str:
    return f"-{argument[1].replace('_', '-')}"

"""Run a command, report its errors in one line, and return its exit status."""

import os
import re
import sys
from collections.abc import Callable, Sequence

from saliency.cli.options import CommandError
from saliency.cli.run_log import TooManyFailures, print_message
from saliency.core.errors import SaliencyError

PYTHON_ARGUMENT = re.compile(r"`(net|weights|framework|trust)`")  # arguments of nets.load, which are options of the commands
REPORTED_ERRORS = (CommandError, SaliencyError, ValueError, RuntimeError, OSError, ImportError, MemoryError)


def run_command(name: str, work: Callable[[list[str]], int], argv: Sequence[str] | None, interrupted: str) -> int:
    """Run a command and report its errors on the standard error stream.

    Args:
        name: name of the command.
        work: a function from the arguments to an exit status. The messages of its errors are printed in one line.
        argv: the arguments; None for those of the process.
        interrupted: what is printed after an interrupt: the state of the output files.

    Returns:
        The exit status of ``work``; 1 if too many images failed, 2 after an error, 130 after an interrupt.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's log lines would hide the error message
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return work(arguments)
    except KeyboardInterrupt:
        print_message(f"{name}: interrupted; {interrupted}")
        return 130
    except TooManyFailures as stopped:
        print_message(f"{name}: {stopped}")
        return 1
    except REPORTED_ERRORS as error:
        if "-debug" in arguments or "--debug" in arguments:
            raise
        print_message(f"{name}: error: {' '.join(_error_message(error).split())}")
        return 2


def _error_message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename2 or error.filename}: {error.strerror}"
    return PYTHON_ARGUMENT.sub(r"-\1", str(error)) or type(error).__name__

"""What every command does around its work: one line for what goes wrong, and an exit status."""

import os
import re
import sys
from collections.abc import Callable, Sequence

from saliency.cli.options import Refused
from saliency.cli.run_log import TooManyFailed, say
from saliency.core.errors import SaliencyError

PYTHON = re.compile(r"`(net|weights|framework|trust)`")  # options, as those who call from Python know them
OURS = (Refused, SaliencyError, ValueError, RuntimeError, OSError, ImportError, MemoryError)


def carry_out(name: str, work: Callable[[list[str]], int], argv: Sequence[str] | None, interrupted: str) -> int:
    """Run a command.

    Args:
        name: the command's.
        work: takes the arguments, returns the exit status, or raises with one line that says what is wrong.
        argv: the arguments; None takes the process's own.
        interrupted: what is told of the files after an interrupt.

    Returns:
        Exit status: that of the work, 1 where too many stimuli failed, 2 where it was refused, 130 where it was interrupted.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # or TensorFlow's remarks stand around the one line of an error
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return work(arguments)
    except KeyboardInterrupt:
        say(f"{name}: interrupted; {interrupted}")
        return 130
    except TooManyFailed as stopped:
        say(f"{name}: {stopped}")
        return 1
    except OURS as error:
        if "-debug" in arguments or "--debug" in arguments:
            raise
        say(f"{name}: error: {' '.join(_words(error).split())}")
        return 2


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename2 or error.filename}: {error.strerror}"
    return PYTHON.sub(r"-\1", str(error)) or type(error).__name__

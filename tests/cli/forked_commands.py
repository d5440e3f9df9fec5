"""Commands in processes that may be killed: forks of one that has imported Torch, which takes longer than what they do.

``python -m tests.cli.forked_commands`` is that one. It takes commands as lines of JSON; for each it prints the process's number, and
then how that has ended. TensorFlow, beside which a fork hangs, is never there.
"""

import functools
import importlib
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMPORTED = (
    "torch",
    "matplotlib.backends.backend_agg",
    "saliency.nets.demo_net",
    "saliency.torch",
    "saliency.cli.activation_run",
)


class Process:
    """A command as it runs."""

    def __init__(self, parent, command):
        print(json.dumps(command), file=parent.stdin, flush=True)
        self._parent, self._pid, self._status = parent, int(parent.stdout.readline()), None

    def runs(self):
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self):
        os.kill(self._pid, signal.SIGKILL)

    def wait(self):
        """Return the exit status, or minus the number of the signal that ended it."""
        if self._status is None:
            self._status = int(self._parent.stdout.readline())
        return self._status


@contextmanager
def processes():
    """Give a function that starts a process; there is one at a time.

    It takes the command's module in `saliency.cli`, its arguments, and if need be the folder where it runs, and the moment when
    it kills itself: a module, a function in it, and the how manieth call of that.
    """
    command, pipes = [sys.executable, "-m", "tests.cli.forked_commands"], {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, stderr=subprocess.DEVNULL, **pipes) as parent:
        yield lambda module, arguments, folder=".", moment=(): Process(
            parent, [module, list(map(str, arguments)), str(folder), moment]
        )
        parent.stdin.close()


def _die_at(module, name, n):
    *owners, name = name.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(module))
    original, calls = getattr(owner, name), []

    def dying(*arguments, **options):
        calls.append(1)
        if len(calls) == n:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)

    setattr(owner, name, dying)


def _run(module, arguments, folder, moment):
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the other end waits for numbers alone
    os.chdir(folder)
    command = importlib.import_module(f"saliency.cli.{module}")
    if moment:
        _die_at(*moment)
    return command.main(arguments)


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            sys.exit(_run(*json.loads(line)))
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)

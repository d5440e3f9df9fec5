"""Run commands in processes that can be killed: forks of a process that has imported Torch, because the import takes long.

``python -m tests.cli.forked_commands`` is that process. It reads commands as lines of JSON. For each of them, it prints the
process id of a fork, and then the exit status of the fork. It never imports TensorFlow, because forks hang after that.
"""

import functools
import gc
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
    "matplotlib.figure",
    "saliency.cli.activation_run",
    "saliency.cli.saliency_run",
)
BROKEN_PIPE, CLOSED = "broken pipe", "closed"


class Process:
    """A running command."""

    def __init__(self, parent, command):
        print(json.dumps(command), file=parent.stdin, flush=True)
        self._parent, self.pid, self._status = parent, int(parent.stdout.readline()), None

    def is_running(self):
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def wait(self):
        """Return the exit status, or the negative number of the signal that ended the process."""
        if self._status is None:
            self._status = int(self._parent.stdout.readline())
        return self._status


@contextmanager
def forked_commands():
    """Yield a function that starts a command in a fork. It first waits until the previous command has ended.

    Its arguments: the command's module in ``saliency.cli``; the command's arguments; the working directory; ``kill_at``, when
    the process kills itself (a module, a function in it, the number of the call); ``streams``, where the standard streams go
    (file descriptor -> path, ``BROKEN_PIPE`` or ``CLOSED``).
    """
    started = []

    def start(module, arguments, folder=".", kill_at=(), streams=None):
        if started:
            started.pop().wait()
        redirected = {str(number): str(target) for number, target in (streams or {}).items()}
        started.append(Process(parent, [module, list(map(str, arguments)), str(folder), kill_at, redirected]))
        return started[-1]

    command, pipes = [sys.executable, "-m", "tests.cli.forked_commands"], {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, stderr=subprocess.DEVNULL, **pipes) as parent:
        yield start
        parent.stdin.close()


def _kill_at(module, name, n):
    """Make this process kill itself at the n-th call of a function."""
    *owners, name = name.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(module))
    original, calls = getattr(owner, name), []

    def killing(*arguments, **options):
        calls.append(1)
        if len(calls) == n:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)

    setattr(owner, name, killing)


def _redirect(number, target):
    if target == CLOSED:  # as Python has it when it starts with a closed stream
        os.close(number)
        name = {1: "stdout", 2: "stderr"}[number]
        setattr(sys, name, None)
        setattr(sys, f"__{name}__", None)
        return
    if target == BROKEN_PIPE:
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open(target, os.O_WRONLY | os.O_CREAT)
    os.dup2(writer, number)


def _run(module, arguments, folder, kill_at, streams):
    for number, target in ({"1": os.devnull} | streams).items():  # the parent's standard output is for numbers alone
        _redirect(int(number), target)
    os.chdir(folder)
    command = importlib.import_module(f"saliency.cli.{module}")
    if kill_at:
        _kill_at(*kill_at)
    return command.main(arguments)


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()  # collections in the forks skip the frameworks' modules
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            sys.exit(_run(*json.loads(line)))
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)

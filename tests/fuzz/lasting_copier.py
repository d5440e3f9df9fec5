"""Copy damaged HDF5 files in one lasting process, because a new process for each file takes half a second.

The process has a time limit for each file, as the library's own process for one file has. It is started again if it crashed or was
stopped.
"""

import atexit
import contextlib
import functools
import io
import json
import select
import subprocess
import sys
from unittest import mock

from saliency.core.errors import InputError
from saliency.io import hdf5_copy
from saliency.nets import hdf5_weights

SECONDS = 2
"""Time limit for a file, which is small. A stalled machine may exceed it; the file then counts as one that is never read."""


class _Copier:
    """The process; it reads (source, target, largest number of bytes) and prints (exit status, message), in lines of JSON."""

    def __init__(self):
        self._process = None

    def copy(self, argument, file, copy, rules):
        """Copy a file, as ``hdf5_weights`` does."""
        status, message = self._ask(str(file.absolute()), str(copy), str(rules.max_model_bytes))
        assert "Traceback" not in message, message
        if status:
            raise InputError(f"`{argument}` ({file}) cannot be read as HDF5: {message[:300]}")

    def _ask(self, *words):
        if self._process is None:
            command = [sys.executable, "-W", "ignore", "-m", "tests.fuzz.lasting_copier"]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        print(json.dumps(words), file=self._process.stdin, flush=True)
        ready, _, _ = select.select([self._process.stdout], [], [], SECONDS)
        answer = self._process.stdout.readline() if ready else ""
        if answer:
            return json.loads(answer)
        self.stop()
        return -1, "the process crashed" if ready else "the process was stopped"

    def stop(self):
        """Stop the process, if there is one."""
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            process.communicate()


@functools.cache
def _copier():
    copier = _Copier()
    atexit.register(copier.stop)
    return copier


@contextlib.contextmanager
def lasting_copier():
    """Use the lasting process instead of one for each file in the block."""
    with mock.patch.object(hdf5_weights, "_copy", _copier().copy):
        yield


if __name__ == "__main__":
    for line in sys.stdin:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            status = hdf5_copy.main(json.loads(line))
        print(json.dumps((status, said.getvalue())), flush=True)

"""Copy damaged HDF5 files in one lasting process, because a new process for each file takes half a second.

As the library's own process for one file, it is stopped if a file takes too long, here by the operating system after some
processor time, so that a busy machine makes no difference. The next file starts a new process.
"""

import atexit
import contextlib
import functools
import io
import json
import signal
import subprocess
import sys
from unittest import mock

from saliency.core.errors import InputError
from saliency.io import hdf5_copy
from saliency.nets import hdf5_weights

SECONDS = 1.0
"""Limit of the processor time for a file, which is small."""


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
        try:
            answer = self._process.stdout.readline()
        except BaseException:  # a time limit of the caller; the late answer must not be taken for that of the next file
            self.stop()
            raise
        return json.loads(answer) if answer else (-1, self.stop())

    def stop(self):
        """Stop the process, if there is one; return how it ended."""
        process, self._process = self._process, None
        if process is None:
            return ""
        process.kill()
        process.communicate()
        return f"the process ended with {process.returncode}"


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
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # its signal ends the process
        with contextlib.redirect_stderr(io.StringIO()) as said:
            status = hdf5_copy.main(json.loads(line))
        print(json.dumps((status, said.getvalue())), flush=True)

"""The process of the other libraries. It is idle while our code is timed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from types import TracebackType


class PeerProcess:
    """Run other libraries' variants, one at a time, in a process that starts with the first and ends with the ``with`` block.

    Args:
        worker: the Python file to run.
        packages: folder with the installed libraries.
        folder: folder with the model, and ``input.npz`` with the input and the settings.
    """

    def __init__(self, worker: Path, packages: Path, folder: Path) -> None:
        self._worker, self._packages, self._folder = worker, packages, folder
        self.processor = 0.0

    def __enter__(self) -> PeerProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if "_process" in vars(self):
            self._process.communicate()  # closes its standard input, which ends it

    def run(self, variant: str) -> str:
        """Run a variant once and return its description; update ``processor``, the process's processor time.

        Raises:
            RuntimeError: if the variant fails.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{variant}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        reply = json.loads(line) if line else {"error": "its process ended"}
        if "error" in reply:
            raise RuntimeError(f"{variant} failed: {reply['error']}")
        self.processor = reply["processor"]
        return str(reply["description"])

    def seconds(self) -> float:
        """Return the processor time of the process at its last reply, in seconds."""
        return self.processor

    @cached_property
    def _process(self) -> subprocess.Popen[str]:
        """Start the worker as a file, not as a module, so that this repository is not on its path."""
        return subprocess.Popen(  # noqa: S603
            [sys.executable, str(self._worker), str(self._folder)],
            env={**os.environ, "PYTHONPATH": str(self._packages)},
            cwd=self._folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

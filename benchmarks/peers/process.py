"""The process that other libraries are run in. It works while we wait, and waits while we work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from types import TracebackType


class Peers:
    """Runs other libraries' ways, one at a time. The process starts with the first, and ends with the ``with`` block.

    Args:
        worker: the file that is run.
        packages: folder that the libraries are installed in.
        folder: has the model, and ``input.npz`` with the input and the rest of the task.
    """

    def __init__(self, worker: Path, packages: Path, folder: Path) -> None:
        self._worker, self._packages, self._folder = worker, packages, folder
        self.processor = 0.0

    def __enter__(self) -> Peers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if "_process" in vars(self):
            self._process.communicate()  # closes its input, at which it ends

    def run(self, way: str) -> str:
        """Run a way once, wait, and return what it says of itself; ``processor`` has that process's seconds from then on.

        Raises:
            RuntimeError: if it fails.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{way}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": "its process ended"}
        if "error" in answer:
            raise RuntimeError(f"{way} failed: {answer['error']}")
        self.processor = answer["processor"]
        return str(answer["words"])

    def seconds(self) -> float:
        """Return the seconds that a processor worked for the process, as of its last answer."""
        return self.processor

    @cached_property
    def _process(self) -> subprocess.Popen[str]:
        """Start it as a file and not as a module, so that no path of ours comes before theirs."""
        return subprocess.Popen(  # noqa: S603
            [sys.executable, str(self._worker), str(self._folder)],
            env={**os.environ, "PYTHONPATH": str(self._packages)},
            cwd=self._folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

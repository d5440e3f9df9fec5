"""The process that other libraries are run in. It works while we wait, and waits while we work."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from types import TracebackType

WORKER = Path(__file__).with_name("peer_worker.py")
DONE = "done"


class Peers:
    """Runs other libraries' ways, one at a time. The process starts with the first, and ends with the ``with`` block.

    Args:
        packages: folder that they are installed in.
        folder: has ``model.keras``, and ``input.npz`` with x and y.
    """

    def __init__(self, packages: Path, folder: Path) -> None:
        self._packages, self._folder = packages, folder

    def __enter__(self) -> Peers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if "_process" in vars(self):
            self._process.communicate()  # closes its input, at which it ends

    def run(self, way: str) -> None:
        """Run a way once, and wait.

        Raises:
            RuntimeError: if it fails.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{way}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        if answer != DONE:
            raise RuntimeError(f"{way} failed: {answer or 'its process ended'}")

    @cached_property
    def _process(self) -> subprocess.Popen[str]:
        """Start it as a file and not as a module, so that no path of ours comes before theirs."""
        return subprocess.Popen(  # noqa: S603
            [sys.executable, str(WORKER), str(self._folder)],
            env={**os.environ, "PYTHONPATH": str(self._packages)},
            cwd=self._folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

"""Variants of other libraries for a case, run in a separate process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.cases import BenchmarkCase
from benchmarks.clock import Clock
from benchmarks.comparison import Variant
from benchmarks.peers.install import FOLDER, install
from benchmarks.peers.process import PeerProcess


class PeerVariants:
    """Provide other libraries' variants; none if the libraries could not be installed.

    Args:
        start: starts the process when the first variant is needed, or returns None; None if there is no process.
    """

    def __init__(self, start: Callable[[], PeerProcess | None] | None) -> None:
        self._start = None if start is None else cache(start)

    @property
    def peers(self) -> PeerProcess | None:
        """The process, or None."""
        return None if self._start is None else self._start()

    def variants(self, names: dict[str, str], description: str = "") -> dict[str, Variant]:
        """Return column -> variant. Each variant runs once first.

        Args:
            names: column -> name of the variant in the worker.
            description: description of variants that do not return one.
        """
        peers = self.peers
        if peers is None:
            return {}
        run = peers.run
        return {column: Variant(partial(run, name), run(name) or description) for column, name in names.items()}


@contextmanager
def peer_variants(
    framework: str,
    case: BenchmarkCase,
    change: float,
    save: Callable[[Path], object],
    clock: Clock,
    **more: np.ndarray[Any, Any],
) -> Iterator[PeerVariants]:
    """Provide the variants of a worker for a case with one input, which starts when it is needed.

    Args:
        framework: framework of the worker.
        case: the case.
        change: change of the score from zeros to the input.
        save: writes the model into a folder in the worker's format.
        clock: includes the worker's processor time until the ``with`` block ends.
        more: further arrays for the worker.
    """
    with ExitStack() as stack:

        def start() -> PeerProcess | None:
            failure = "" if case.batch == 1 and not (case.occlusion_only or case.gradients_only) else "no row needs them"
            if not failure and (failure := install()):
                print(f"Other libraries could not be installed: {failure}", file=sys.stderr)
            if failure:
                return None
            folder = Path(stack.enter_context(TemporaryDirectory()))
            save(folder)
            options = {"samples": case.samples, "steps": case.steps, "max_steps": case.max_steps, **more}
            np.savez(folder / "input.npz", x=case.x, y=case.classes[0], change=change, **options)
            peers = stack.enter_context(PeerProcess(Path(__file__).with_name(f"{framework}_worker.py"), FOLDER, folder))
            clock.other_processes.append(peers.seconds)
            stack.callback(clock.other_processes.remove, peers.seconds)
            return peers

        yield PeerVariants(start)

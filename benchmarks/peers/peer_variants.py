"""Variants of other libraries for a case, run in a separate process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
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
        peers: the process, or None.
    """

    def __init__(self, peers: PeerProcess | None) -> None:
        self.peers = peers

    def variants(self, names: dict[str, str], description: str = "") -> dict[str, Variant]:
        """Return column -> variant. Each variant runs once first.

        Args:
            names: column -> name of the variant in the worker.
            description: description of variants that do not return one.
        """
        if self.peers is None:
            return {}
        run = self.peers.run
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
    """Start the worker for a case with one input and provide its variants.

    Args:
        framework: framework of the worker.
        case: the case.
        change: change of the score from zeros to the input.
        save: writes the model into a folder in the worker's format.
        more: further arrays for the worker.
        clock: includes the worker's processor time until the ``with`` block ends.
    """
    failure = "" if case.batch == 1 and not case.occlusion_only else "only cases with one input"
    if not failure and (failure := install()):
        print(f"Other libraries could not be installed: {failure}", file=sys.stderr)
    if failure:
        yield PeerVariants(None)
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        save(folder)
        options = {"samples": case.samples, "steps": case.steps, "max_steps": case.max_steps, **more}
        np.savez(folder / "input.npz", x=case.x, y=case.classes[0], change=change, **options)
        with PeerProcess(Path(__file__).with_name(f"{framework}_worker.py"), FOLDER, folder) as peers:
            clock.other_processes.append(peers.seconds)
            yield PeerVariants(peers)
            clock.other_processes.remove(peers.seconds)

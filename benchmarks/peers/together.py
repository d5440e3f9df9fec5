"""Other libraries' ways for a subject, through a process of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.clock import Clock
from benchmarks.peers.install import FOLDER, install
from benchmarks.peers.process import Peers
from benchmarks.row import Way
from benchmarks.subjects import Subject


class Others:
    """Their ways by name; none without the package index.

    Args:
        peers: the process, or None.
    """

    def __init__(self, peers: Peers | None) -> None:
        self.peers = peers

    def ways(self, names: dict[str, str], words: str = "") -> dict[str, Way]:
        """Return column -> way, from column -> name; each is run once, and says of itself what ``words`` does not."""
        if self.peers is None:
            return {}
        run = self.peers.run
        return {column: Way(partial(run, name), run(name) or words) for column, name in names.items()}


@contextmanager
def others(framework: str, subject: Subject, change: float, save: Callable[[Path], object], clock: Clock) -> Iterator[Others]:
    """Give the ways for one input of a subject.

    Args:
        framework: whose worker is run.
        subject: the network.
        change: of the score from zeros to the input.
        save: writes the model into a folder, as the worker wants it.
        clock: counts the process's seconds, too, until the ``with`` block ends.
    """
    failure = "" if subject.batch == 1 and not subject.occlusion_alone else "one input alone"
    if not failure and (failure := install()):
        print(f"Other libraries could not be installed: {failure}", file=sys.stderr)
    if failure:
        yield Others(None)
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        save(folder)
        options = {"samples": subject.samples, "steps": subject.steps, "most": subject.most}
        np.savez(folder / "input.npz", x=subject.x, y=subject.classes[0], change=change, **options)
        with Peers(Path(__file__).with_name(f"{framework}_worker.py"), FOLDER, folder) as peers:
            clock.others.append(peers.seconds)
            yield Others(peers)
            clock.others.remove(peers.seconds)

"""The failures and notes of a piece of a run that another process computes."""

from collections import Counter
from pathlib import Path
from typing import Protocol

from saliency.cli.failures_table import Failure


class StimulusLog(Protocol):
    """What happens to stimuli: the log of a run, or that of a piece."""

    failures: list[Failure]
    notes: Counter[str]

    def add_failure(self, name: str, path: Path, stage: str, code: str, message: str) -> None:
        """Add that a stimulus failed."""


class PieceLog:
    """Collect the failures and notes of a piece, without printing them."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []
        self.notes: Counter[str] = Counter()

    def add_failure(self, name: str, path: Path, stage: str, code: str, message: str) -> None:
        """Add that a stimulus failed."""
        self.failures.append(Failure(name, str(path), stage, code, message))

    def pop(self) -> "PieceLog":
        """Return all failures and notes since the last call."""
        found = PieceLog()
        found.failures, found.notes = list(self.failures), self.notes.copy()
        self.failures.clear()
        self.notes.clear()
        return found

    def replay(self, log: StimulusLog) -> None:
        """Add all failures and notes to the log of the run.

        Raises:
            TooManyFailures: if more stimuli have failed than the run allows.
        """
        log.notes.update(self.notes)
        for one in self.failures:
            log.add_failure(one.stimID, Path(one.path), one.stage, one.code, one.message)

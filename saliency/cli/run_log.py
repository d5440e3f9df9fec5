"""What becomes of a run's stimuli: how far it is, what was converted, what failed."""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from saliency.cli.errors_table import Failure, write_failures
from saliency.cli.text_wrapping import folded


class TooManyFailed(Exception):  # noqa: N818 - told as the end of a run, not as a fault of its user
    """A run that is stopped, since more pictures failed than it was to stand."""


class Report:
    """A run's tally.

    Args:
        command: its name.
        n: number of stimuli.
        most: how many may fail before the run is stopped; None for any number.
    """

    def __init__(self, command: str, n: int, most: int | None = None) -> None:
        self.command, self.n, self.most = command, n, most
        self.failures: list[Failure] = []
        self.notes: Counter[str] = Counter()
        self._told = 0, Counter[str]()
        self._bar: Any = None

    def fail(self, name: str, path: Path, stage: str, code: str, message: str) -> None:
        """Tell that a stimulus failed, and keep it for the table.

        Raises:
            TooManyFailed: if it is one too many.
        """
        self.failures.append(Failure(name, str(path), stage, code, message))
        self._print(f"{self.command}: {name}: {code}: {message}")
        if self.most is not None and len(self.failures) > self.most:
            raise TooManyFailed(f"stopped: {len(self.failures)} failed, and -max-errors is {self.most}")

    def finished(self, done: int) -> None:
        """Tell how many stimuli are done: on a terminal a bar, else a line for each call."""
        if self._bar is None and sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=self.n, initial=done, unit=" stimuli")
        if self._bar is None:
            say(f"Finish: {done}/{self.n}", "stdout")
        else:
            self._bar.update(done - self._bar.n)

    def record(self) -> dict[str, Any]:
        """Return what was added since the last record, for a journal."""
        failed, noted = self._told
        self._told = len(self.failures), self.notes.copy()
        return {"failures": [vars(one) for one in self.failures[failed:]], "notes": dict(self.notes - noted)}

    def restore(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Add what the records of an earlier part of this run hold."""
        for record in records:
            self.failures += [Failure(**one) for one in record["failures"]]
            self.notes.update(record["notes"])
        self._told = len(self.failures), self.notes.copy()

    def going_on(self, done: int) -> None:
        """Tell that an earlier part of this run did so many stimuli, if it did any."""
        if done:
            say(f"{self.command}: going on after {min(done, self.n)} stimuli")

    def end(self, errors: Path | None) -> int:
        """Write the table of what failed, or remove an older one; tell the sums; return the exit status."""
        if self._bar is not None:
            self._bar.close()
        if errors is not None and self.failures:
            write_failures(errors, self.failures)
        elif errors is not None:
            errors.unlink(missing_ok=True)
        for note, count in (+self.notes).items():
            say(f"{self.command}: note: {count} of {self.n}: {note}")
        if self.failures:
            see = f", see {errors}" if errors is not None else ""
            say(f"{self.n - len(self.failures)} done, {len(self.failures)} failed{see}")
        return 1 if self.failures else 0

    def _print(self, line: str) -> None:
        if self._bar is None:
            say(line)
        else:
            self._bar.write(folded(line, sys.stderr), file=sys.stderr)


def say(line: str, name: str = "stderr") -> None:
    """Print a line on one of the standard streams, folded on a terminal.

    A stream that is closed, or takes no more, does not stop a run.
    """
    stream = getattr(sys, name)
    try:
        if stream is not None:
            print(folded(line, stream), file=stream, flush=True)
    except OSError:
        setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - or the interpreter would fail at its end

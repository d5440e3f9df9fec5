"""Report the progress, conversions and failures of a run."""

import os
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from saliency.cli.failures_table import Failure, write_failures
from saliency.cli.text_wrapping import escape_controls, wrap_line


class TooManyFailures(Exception):  # noqa: N818 - it ends a run with exit status 1, not with that of an error
    """The run stops because more images failed than ``-max-errors`` allows."""


class RunLog:
    """Print and count what happens to the stimuli of a run.

    Args:
        command: name of the command.
        n: number of stimuli.
        max_failures: how many may fail before the run stops; None for any number.
    """

    def __init__(self, command: str, n: int, max_failures: int | None = None) -> None:
        self.command, self.n, self.max_failures = command, n, max_failures
        self.failures: list[Failure] = []
        self.notes: Counter[str] = Counter()
        self._recorded = 0, Counter[str]()  # the number of failures and the notes that are in records
        self._bar: Any = None

    def add_failure(self, name: str, path: Path, stage: str, code: str, message: str) -> None:
        """Print that a stimulus failed, and add it to the table of failures.

        Raises:
            TooManyFailures: if more than ``max_failures`` stimuli have failed.
        """
        self.failures.append(Failure(name, str(path), stage, code, message))
        self._print(f"{self.command}: {name}: {code}: {message}")
        if self.max_failures is not None and len(self.failures) > self.max_failures:
            raise TooManyFailures(f"stopped: {len(self.failures)} failed, and -max-errors is {self.max_failures}")

    def show_progress(self, done: int) -> None:
        """Show how many stimuli are done: as a progress bar on a terminal, otherwise as one line per call."""
        if self._bar is None and sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=self.n, initial=done, unit=" stimuli")
        if self._bar is None:
            print_message(f"Finish: {done}/{self.n}", "stdout")
        else:
            self._bar.update(done - self._bar.n)

    def new_record(self) -> dict[str, Any]:
        """Return the failures and notes since the last record, for the journal."""
        failures, notes = self._recorded
        self._recorded = len(self.failures), self.notes.copy()
        return {"failures": [vars(one) for one in self.failures[failures:]], "notes": dict(self.notes - notes)}

    def restore(self, record: Mapping[str, Any]) -> None:
        """Add the failures and notes of a piece that an earlier part of this run recorded."""
        self.failures += [Failure(**one) for one in record["failures"]]
        self.notes.update(record["notes"])
        self._recorded = len(self.failures), self.notes.copy()

    def restore_all(self, records: Mapping[int, Mapping[str, Any]]) -> None:
        """Add the failures and notes of all pieces that an earlier part of this run recorded."""
        for record in records.values():
            self.restore(record)

    def sort_failures(self, records: Mapping[int, Mapping[str, Any]]) -> None:
        """Sort the failures by the numbers of their pieces, which were finished in another order; all are recorded."""
        self.failures = [Failure(**one) for number in sorted(records) for one in records[number]["failures"]]

    def show_resumed(self, done: int) -> None:
        """Print how many stimuli an earlier part of this run finished, if any."""
        if done:
            print_message(f"{self.command}: resuming after {min(done, self.n)} stimuli")

    def show_damaged(self, damaged: int, total: int, pieces: str) -> None:
        """Print how many finished pieces of an earlier part of this run are computed again, if any."""
        if damaged:
            was = "1 is" if damaged == 1 else f"{damaged} are"
            print_message(f"{self.command}: of {total} finished {pieces}, {was} missing or damaged and will be computed again")

    def finish(self, errors: Path | None) -> int:
        """Write the table of failures, print the totals and return the exit status.

        Args:
            errors: path of the table. An older one is removed if nothing failed. None writes no table.
        """
        if self._bar is not None:
            self._bar.close()
        if errors is not None and self.failures:
            write_failures(errors, self.failures)
        elif errors is not None:
            errors.unlink(missing_ok=True)
        for note, count in (+self.notes).items():
            print_message(f"{self.command}: note: {count} of {self.n} images: {note}")
        if self.failures:
            see = f", see {errors}" if errors is not None else ""
            print_message(f"{self.n - len(self.failures)} done, {len(self.failures)} failed{see}")
        return 1 if self.failures else 0

    def _print(self, line: str) -> None:
        if self._bar is None:
            print_message(line)
        else:
            self._bar.write(wrap_line(escape_controls(line), sys.stderr), file=sys.stderr)


def print_message(line: str, name: str = "stderr") -> None:
    """Print a line to a standard stream, wrapped on a terminal. A closed or full stream does not stop the run.

    Args:
        line: the line. Control characters in it, as in the name of a file, are printed as escape sequences.
        name: ``stdout`` or ``stderr``.
    """
    stream = getattr(sys, name)
    try:
        if stream is not None:
            print(wrap_line(escape_controls(line), stream), file=stream, flush=True)
    except OSError:
        setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - or the interpreter would fail when it exits

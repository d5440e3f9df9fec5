"""The run of ``saliency.map``: pieces of inputs, whose masks are recorded in a journal and merged at the end."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from saliency.batches.computation import Computed, PieceComputer
from saliency.batches.items import InputSource, Item
from saliency.core.errors import InputError, ZeroGradientWarning, one_line
from saliency.core.value_description import describe_value, value_digest
from saliency.core.warnings import warn
from saliency.io.atomic_write import remove_leftover_files
from saliency.io.checksum import file_checksum, is_intact
from saliency.io.journal import Journal, journal_path, open_journal
from saliency.io.merged_maps import merge_maps
from saliency.io.npz import NAMES, NUMBER, create_npz
from saliency.io.parts_folder import PartsFolder
from saliency.io.store_format import create_store

AGAIN = "call saliency.map again, which computes its masks again"


@dataclass(frozen=True)
class MapResult:
    """The result of ``saliency.map``.

    Args:
        path: the file that was written.
        n: number of inputs.
        failures: index of an input without a mask -> the reason.
    """

    path: Path
    n: int
    failures: Mapping[int, str]


@dataclass
class MapRun:
    """A run whose arguments have been checked.

    Args:
        source: the inputs and targets.
        computer: the method.
        out: the file to write.
        record: describes the computation; a run with another one is not resumed.
        size: number of inputs in a piece.
        max_errors: how many inputs may fail; None for any number.
        progress: whether to show a progress bar.
    """

    source: InputSource
    computer: PieceComputer
    out: Path
    record: Mapping[str, Any]
    size: int
    max_errors: int | None
    progress: bool
    n: int = 0
    failures: dict[int, str] = field(default_factory=dict)
    empty: list[int] = field(default_factory=list)

    def run(self, resume: bool, ids: Iterable[str] | None) -> MapResult:
        """Compute the masks that are missing, and write the file."""
        parts = PartsFolder(self.out)
        settings = {name: json.dumps(value) for name, value in {**self.record, "piece": self.size}.items()}
        opened = open_journal(journal_path(self.out), settings, not resume, restart="resume=False")
        with opened as journal, parts.discard_unrecorded(journal):
            self._begin(journal, parts, resume)
            done = {str(start) for start in self._compute_pieces(journal, parts)}
            if set(journal.records) - done:
                raise self._differs(self.n, "the inputs end there")
            self._merge(parts, done, ids)
            parts.remove()
            journal.finish()
        if self.empty:
            warn(f"the masks of inputs {_listed(self.empty)} are zero everywhere", ZeroGradientWarning)
        return MapResult(self.out, self.n, dict(sorted(self.failures.items())))

    def _begin(self, journal: Journal, parts: PartsFolder, resume: bool) -> None:
        if not journal.resumed and resume and os.path.lexists(self.out):
            raise InputError(f"`out` ({self.out}) already exists; pass resume=False to replace it")
        if not resume:
            journal.discard(journal.records)
        journal.begin()
        remove_leftover_files(self.out)
        parts.open(keep=bool(journal.records))
        pieces = journal.pieces.items()
        journal.discard([start for start, record in pieces if not is_intact(_part(parts, start), record["file"])])

    def _compute_pieces(self, journal: Journal, parts: PartsFolder) -> Iterator[int]:
        """Compute the pieces that are not recorded, and yield the index of the first input of each piece."""
        bar = self._progress_bar()
        for items in _pieces(self.source, self.size):
            start, inputs = items[0].index, _digest(items)
            record = journal.records.get(str(start))
            if record is None:
                computed = self.computer.compute(items)
                self._check_failures(computed, start)
                record = {"inputs": inputs, **self._save(parts, start, computed)}
                journal.add(start, record)
            elif record["inputs"] != inputs:
                raise self._differs(start, f"an input from {start} to {items[-1].index} has changed")
            self._restore(record)
            self.n = items[-1].index + 1
            if bar is not None:
                bar.update(len(items))
            yield start
        if bar is not None:
            bar.close()
        if not self.n:
            raise InputError("`inputs` must hold at least one input")

    def _check_failures(self, computed: Computed, start: int) -> None:
        """Raise the first failure of a piece if the run must stop."""
        failed = len(self.failures) + len(computed.errors)
        too_many = self.max_errors is not None and failed > self.max_errors
        if computed.errors and (too_many or (start == 0 and not computed.rows)):
            raise computed.errors[min(computed.errors)]

    def _save(self, parts: PartsFolder, start: int, computed: Computed) -> dict[str, Any]:
        path = _part(parts, start)
        with create_npz(path) as file:
            file.add(NUMBER, np.array(computed.rows, np.int64) + 1)
            for name, array in computed.arrays.items():
                file.add(name, array)
        errors = {str(index): one_line(error) for index, error in sorted(computed.errors.items())}
        return {"file": file_checksum(path), "errors": errors, "empty": computed.empty, "shapes": self.computer.shapes}

    def _restore(self, record: Mapping[str, Any]) -> None:
        self.failures |= {int(index): reason for index, reason in record["errors"].items()}
        self.empty += record["empty"]
        self.computer.shapes.update({name: tuple(shape) for name, shape in record["shapes"].items()})

    def _merge(self, parts: PartsFolder, starts: Iterable[str], ids: Iterable[str] | None) -> None:
        names = None if ids is None else [str(name) for name in ids]
        if names is not None and len(names) != self.n:
            raise InputError(f"`ids` ({len(names)} names) must have one entry for each of the {self.n} inputs")
        with create_store(self.out) as store:
            merge_maps((_part(parts, start) for start in sorted(starts, key=int)), self.n, store, self.size, AGAIN)
            store.put("error", np.array([self.failures.get(i, "") for i in range(self.n)], object))
            if names is not None:
                store.put(NAMES, np.array(names, object))
            store.describe(self.record if names is None else {**self.record, "stimuli": names})

    def _differs(self, start: int, what: str) -> InputError:
        return InputError(
            f"`inputs` differ from those of the earlier run for {self.out}, from input {start} on: {what}; pass the same "
            "inputs in the same order, without random changes, or resume=False to start again"
        )

    def _progress_bar(self) -> Any:
        if not self.progress:
            return None
        from tqdm import tqdm

        return tqdm(total=self.source.n, unit=" masks")


def _pieces(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece


def _digest(items: Sequence[Item]) -> str:
    """Return a checksum of inputs and targets; that of an input that could not be read is the same whatever the error."""
    return value_digest([[item.value, describe_value(item.target)] for item in items])


def _part(parts: PartsFolder, start: int | str) -> Path:
    return parts.path / f"{start}.npz"


def _listed(indices: Sequence[int]) -> str:
    shown = ", ".join(map(str, indices[:10]))
    return shown if len(indices) <= 10 else f"{shown} and {len(indices) - 10} more"

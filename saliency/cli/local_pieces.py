"""Compute the pieces of a run on this machine, in order; workers read the images of the next ones."""

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from saliency.cli.read_ahead import PieceReader, Read, read_pieces
from saliency.cli.run_log import RunLog
from saliency.cli.worker_pool import WorkerPool, open_pool
from saliency.io.journal import Journal


@dataclass(frozen=True)
class LocalPieces(Generic[Read]):
    """The pieces of a run on this machine.

    Args:
        options: options of the command.
        reader: the reader of the stimuli.
        pieces: number of each piece -> the indices of its stimuli.
    """

    options: argparse.Namespace
    reader: PieceReader[Read]
    pieces: Mapping[int, range]

    def compute(self, log: RunLog, journal: Journal, compute: Callable[[int, list[Read]], Mapping[str, Any]]) -> None:
        """Compute the pieces that are not in the journal, and record them.

        Args:
            log: the log of the run.
            journal: the journal of the run.
            compute: computes a piece from what was read of it, writes the result, and returns its record.

        Raises:
            TooManyFailures: if more images failed than ``-max-errors`` allows.
        """
        with open_pool(self.options.jobs) as pool:
            for number, read in self.missing(log, dict(journal.records), pool):
                record = compute(number, read)
                log.show_progress(self.pieces[number].stop)
                journal.add(number, {**log.new_record(), **record})

    def missing(
        self, log: RunLog, records: Mapping[str, Mapping[str, Any]], pool: WorkerPool | None
    ) -> Iterator[tuple[int, list[Read]]]:
        """Yield the number of each piece that is not recorded, and what is read of it; add the others to the log."""
        missing = [indices for number, indices in self.pieces.items() if str(number) not in records]
        read = read_pieces(self.reader, missing, log, pool, self.options.jobs or 0)
        for number in self.pieces:
            if str(number) in records:
                log.restore(records[str(number)])
            else:
                yield number, next(read)

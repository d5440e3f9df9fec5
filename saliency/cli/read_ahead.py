"""Read the images of the next pieces in other processes, while the network computes."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from saliency.cli.piece_log import PieceLog, StimulusLog
from saliency.cli.worker_pool import PoolTask, WorkerDied, WorkerPool

Read = TypeVar("Read")


class PieceReader(Protocol[Read]):
    """Read the stimuli of a piece, such as ``StimulusReader``."""

    def read(self, indices: range, log: StimulusLog) -> Iterator[Read]:
        """Yield what is read of each stimulus; log the stimuli that fail."""

    def part(self, indices: range) -> "PieceReader[Read] | None":
        """Return a reader of some of the stimuli that another process can use; None if only this process can read them."""

    def log_lost(self, index: int, reason: str, log: StimulusLog) -> Sequence[Read]:
        """Log that the process died which read a stimulus; return what stands for it."""


def read_pieces(
    reader: PieceReader[Read], pieces: Sequence[range], log: StimulusLog, pool: WorkerPool | None, ahead: int
) -> Iterator[list[Read]]:
    """Yield what is read of each piece, in order; log the stimuli that fail.

    Args:
        reader: the reader.
        pieces: the indices of the stimuli of each piece.
        log: the log of the run.
        pool: the processes that read; None reads each piece in this process when it is needed.
        ahead: number of pieces that are read before they are needed.
    """
    waiting: deque[PoolTask[tuple[list[Read], PieceLog]]] = deque()
    rest = iter(pieces)
    for indices in pieces:
        if pool is None or reader.part(indices) is None:
            yield list(reader.read(indices, log))
            continue
        while len(waiting) <= ahead and (following := next(rest, None)) is not None:
            waiting.append(_submit(pool, reader, following))
        read, found = _result(waiting.popleft(), reader, indices, pool)
        found.replay(log)
        yield read


def read_piece(reader: PieceReader[Read], indices: range) -> tuple[list[Read], PieceLog]:
    """Read a piece in a worker; return what was read, and what happened to the stimuli."""
    log = PieceLog()
    return list(reader.read(indices, log)), log


def _submit(pool: WorkerPool, reader: PieceReader[Read], indices: range) -> PoolTask[tuple[list[Read], PieceLog]]:
    return pool.submit(read_piece, reader.part(indices), indices)


def _result(
    task: PoolTask[tuple[list[Read], PieceLog]], reader: PieceReader[Read], indices: range, pool: WorkerPool
) -> tuple[list[Read], PieceLog]:
    """Return what is read of a piece. If its process dies, read the stimuli one by one, and log the one that it dies of."""
    read, log = [], PieceLog()
    try:
        return task.result()
    except WorkerDied as error:
        if len(indices) == 1:
            return list(reader.log_lost(indices.start, str(error), log)), log
    for i in indices:
        one = range(i, i + 1)
        found, own = _result(_submit(pool, reader, one), reader, one, pool)
        read += found
        own.replay(log)
    return read, log

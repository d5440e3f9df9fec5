"""Read the images of the next pieces in other processes, while the network computes."""

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from saliency.cli.piece_log import PieceLog, StimulusLog
from saliency.cli.stimulus_reader import Prepared, StimulusReader, read_piece
from saliency.cli.worker_pool import PoolTask, WorkerDied, WorkerPool

ReadPiece = tuple[list[Prepared], PieceLog]


def read_pieces(
    reader: StimulusReader, pieces: Sequence[range], log: StimulusLog, pool: WorkerPool | None, ahead: int
) -> Iterator[list[Prepared]]:
    """Yield the images and network inputs of each piece, in order; log the stimuli that fail.

    Args:
        reader: the reader.
        pieces: the indices of the stimuli of each piece.
        log: the log of the run.
        pool: the processes that read; None reads each piece in this process when it is needed.
        ahead: number of pieces that are read before they are needed.
    """
    waiting: deque[PoolTask[ReadPiece]] = deque()
    rest = iter(pieces)
    for indices in pieces:
        if pool is None or reader.part(indices) is None:
            yield list(reader.read(indices, log))
            continue
        while len(waiting) <= ahead and (following := next(rest, None)) is not None:
            waiting.append(pool.submit(read_piece, reader.part(following), following))
        prepared, found = _result(waiting.popleft(), reader, indices, pool)
        found.replay(log)
        yield prepared


def _result(task: PoolTask[ReadPiece], reader: StimulusReader, indices: range, pool: WorkerPool) -> ReadPiece:
    """Return the images of a piece. If its process dies, read them one by one, and log the image that it dies of."""
    try:
        return task.result()
    except WorkerDied as error:
        if len(indices) == 1:
            name, log = reader.stimuli.names[indices.start], PieceLog()
            log.add_failure(name, Path(reader.stimuli.folder / name), "read", "WORKER_DIED", str(error))
            return [], log
    prepared, log = [], PieceLog()
    for i in indices:
        one = range(i, i + 1)
        found, own = _result(pool.submit(read_piece, reader.part(one), one), reader, one, pool)
        prepared += found
        own.replay(log)
    return prepared, log

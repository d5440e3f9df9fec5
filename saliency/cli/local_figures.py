"""Make the figures of ``dnn_saliency`` on this machine."""

from saliency.cli.drawing_queue import DrawingQueue
from saliency.cli.figure_setup import FigureSetup
from saliency.cli.local_pieces import LocalPieces
from saliency.cli.worker_pool import WorkerPool, open_pool
from saliency.io.journal import Journal


def make_figures(setup: FigureSetup, journal: Journal | None) -> None:
    """Make the figures that are not in the journal; with ``-jobs``, workers read the next images and draw the last figures.

    Raises:
        CommandError, ValueError, RuntimeError, OSError: if an option or an input is invalid.
        TooManyFailures: if more images failed than ``-max-errors`` allows; all figures before have been written.
    """
    with open_pool(setup.options.jobs) as pool:
        _make_figures(setup, journal, pool)


def _make_figures(setup: FigureSetup, journal: Journal | None, pool: WorkerPool | None) -> None:
    recorded = {} if journal is None else dict(journal.records)
    pieces = LocalPieces(setup.options, setup.reader, setup.pieces)
    files, maps, queue = setup.files, setup.maps, DrawingQueue(setup, journal, pool)
    with queue.drained():
        for k, read in pieces.missing(setup.log, recorded, pool):
            path = None if files is None or setup.options.save is None else files.maps(k)
            queue.add(k, maps.compute(read, setup.pieces[k], setup.log, path), setup.pieces[k])

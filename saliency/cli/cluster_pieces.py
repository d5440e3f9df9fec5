"""Compute the pieces of a run on a Ray cluster, with ``-engine ray``; this process writes the files."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from saliency.cli.options import CommandError
from saliency.cli.piece_log import PieceLog
from saliency.cli.run_log import RunLog
from saliency.cli.stimuli import Stimuli
from saliency.core.errors import SaliencyError, one_line
from saliency.io.checksum import file_checksum
from saliency.io.journal import Journal

if TYPE_CHECKING:
    from saliency.ray import Cluster

LOG_LEVELS = {
    "ray.data": logging.WARNING,
    "ray.data._internal.progress": logging.ERROR,
    "ray.data.exceptions": logging.CRITICAL,
    "ray._private.authentication": logging.ERROR,
}
"""Logger of Ray -> the least level that it prints. It has notes among its warnings; errors are reported by the command."""

Result = TypeVar("Result")
Worker = Callable[[range], tuple[Result, PieceLog]]
"""From the indices of stimuli to the result of their piece, and what happened to them."""


@dataclass(frozen=True)
class ClusterPieces(Generic[Result]):
    """The pieces of a run on a cluster.

    Args:
        options: options of the command.
        stimuli: the stimuli.
        build: a class or function of a module; called once in each worker with the options, it returns the worker.
        pieces: number of each piece -> the indices of its stimuli.
    """

    options: argparse.Namespace
    stimuli: Stimuli
    build: Callable[[argparse.Namespace], Worker[Result]]
    pieces: Mapping[int, range]

    def compute(self, log: RunLog, journal: Journal, write: Callable[[int, Result], Mapping[str, Any]]) -> None:
        """Compute the pieces that are not in the journal; write and record each one as soon as it is finished.

        Args:
            log: the log of the run.
            journal: the journal of the run.
            write: writes the result of a piece in this process, and returns its record.

        Raises:
            CommandError, InputError, ImportError, ConnectionError: if there is no such cluster, the workers do not fit, or a
                machine lacks a file; nothing has been computed.
            TooManyFailures: if more images failed than ``-max-errors`` allows.
        """
        missing = [(number, indices) for number, indices in self.pieces.items() if str(number) not in journal.records]
        log.restore_all(dict(sorted(journal.pieces.items())))
        if not missing:
            return
        done = sum(len(self.pieces[number]) for number in journal.pieces)
        with self._results(missing) as results:
            for number, (result, found) in results:
                found.replay(log)
                record = write(number, result)
                done += len(self.pieces[number])
                log.show_progress(done)
                journal.add(number, {**log.new_record(), **record})
        log.sort_failures(journal.pieces)

    @contextmanager
    def _results(self, pieces: Sequence[tuple[int, range]]) -> Iterator[Iterator[tuple[int, tuple[Result, PieceLog]]]]:
        """Connect to the cluster; yield the numbers and the results of pieces in the order in which they are finished."""
        from saliency.ray import compute_pieces
        from saliency.ray.installation import import_ray
        from saliency.ray.network_source import NetworkSource
        from saliency.ray.worker_files import check_files

        options, ray = self.options, import_ray()
        connected = ray.is_initialized()
        try:
            import_ray("ray.data").DataContext.get_current().enable_progress_bars = False
            for name, level in LOG_LEVELS.items():
                logging.getLogger(name).setLevel(level)
            cluster = _connect(options)
            source = NetworkSource(options.net, {} if options.weights is None else {"weights": options.weights})
            check_files({**source.files, **_some_picture(self.stimuli)})
            yield compute_pieces(_build, (self.build, options, str(Path.cwd()), sys.path), pieces, cluster)
        except ray.exceptions.RayError as error:
            raise CommandError(f"-engine ray: {one_line(error).rstrip('.')}; run the same command again to resume") from error
        finally:
            if not connected:
                ray.shutdown()


def _connect(options: argparse.Namespace) -> "Cluster":
    from saliency.ray import connect
    from saliency.ray.cluster import TIMEOUT

    timeout = options.address_timeout or TIMEOUT
    try:
        return connect(options.address, options.workers, options.gpus_per_worker or 0, timeout=timeout)
    except (SaliencyError, ImportError, OSError, ValueError):
        raise
    except Exception as error:  # Ray raises plain exceptions if its own processes do not start
        raise CommandError(f"-engine ray: Ray did not start: {one_line(error)}") from error


def _some_picture(stimuli: Stimuli) -> dict[str, dict[str, Any]]:
    """Return the path and the checksum of the stimulus file and of an image, which each machine must have."""
    images = (stimuli.folder / name for name in stimuli.names)
    found = next((path for path in images if path.is_file() and os.access(path, os.R_OK)), None)
    return {str(path.absolute()): file_checksum(path) for path in (Path(stimuli.file), found) if path is not None}


def _build(
    build: Callable[[argparse.Namespace], Worker[Result]], options: argparse.Namespace, folder: str, path: list[str]
) -> Worker[Result]:
    """Prepare a worker as this process is: its working directory, and where it imports modules from."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise CommandError(f"{folder}: a worker cannot enter the working directory of the command: {error.strerror}") from None
    sys.path += [one for one in path if one not in sys.path]
    from saliency.ray.worker import gpu_is_assigned

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    options.device = options.device or ("cuda" if gpu_is_assigned() else None)
    return build(options)

"""Draw figures in other processes, and record them in the journal in their order."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from saliency.cli.figure_file import write_encoded
from saliency.cli.figure_job import FigureJob, draw_figure
from saliency.cli.figure_setup import FigureSetup
from saliency.cli.run_log import TooManyFailures
from saliency.cli.worker_pool import PoolTask, WorkerDied, WorkerPool
from saliency.io.checksum import file_checksum
from saliency.io.journal import Journal


class Waiting(NamedTuple):
    """A figure that is being drawn: its number, its contents, its comment, its record, and the number of stimuli up to it."""

    k: int
    job: FigureJob | None
    comment: str
    task: PoolTask[bytes] | None
    record: dict[str, Any]
    done: int


@dataclass
class DrawingQueue:
    """Draw figures, write their files and record them.

    Args:
        setup: the options, the files and the log of the run.
        journal: the journal of the run, if there are files.
        pool: the processes that draw; None draws each figure in this process.
    """

    setup: FigureSetup
    journal: Journal | None
    pool: WorkerPool | None
    _waiting: deque[Waiting] = field(default_factory=deque)

    def add(self, k: int, job: FigureJob | None, indices: range) -> None:
        """Draw the k-th figure, counting from 1; write the figures that have been drawn meanwhile.

        Args:
            k: number of the figure.
            job: the figure; None if none of its images has a map.
            indices: indices of its stimuli.
        """
        comment, options = self.setup.comment(indices), self.setup.options
        task = None
        if job is not None and self.pool is not None:
            task = self.pool.submit(draw_figure, job, f".{options.format}", comment, options.dpi)
        self._waiting.append(Waiting(k, job, comment, task, self.setup.log.new_record(), indices.stop))
        while len(self._waiting) > (options.jobs or 0):
            self._write()

    @contextmanager
    def drained(self) -> Iterator[None]:
        """Write all figures when the block ends. If it is interrupted, remove the maps of those that are not drawn yet."""
        try:
            try:
                yield
            except TooManyFailures:
                self._finish()
                raise
            self._finish()
        except BaseException:
            for one in self._waiting:
                for path in () if self.setup.files is None else self.setup.files.pieces(one.k):
                    path.unlink(missing_ok=True)
            raise

    def _finish(self) -> None:
        while self._waiting:
            self._write()

    def _write(self) -> None:
        """Write and record the first of the figures that are waiting."""
        one = self._waiting[0]
        if one.job is not None:
            self._write_figure(one, one.job)
        elif self.setup.files is not None and self.setup.files.figure(one.k).exists():
            self.setup.files.figure(one.k).unlink()  # of an earlier run
        self.setup.log.show_progress(one.done)
        if self.journal is not None and self.setup.files is not None:
            files = {path.name: file_checksum(path) for path in self.setup.files.pieces(one.k) if path.exists()}
            self.journal.add(one.k, {**one.record, "files": files})
        self._waiting.popleft()

    def _write_figure(self, one: Waiting, job: FigureJob) -> None:
        if one.task is not None and self.setup.files is not None:
            with suppress(WorkerDied):  # draw it in this process
                write_encoded(self.setup.files.figure(one.k), one.task.result())
                return
        figure = job.draw(self.setup.options.show)
        if self.setup.files is not None:
            figure.save(self.setup.files.figure(one.k), one.comment, self.setup.options.dpi)
        if self.setup.options.show:
            figure.show()

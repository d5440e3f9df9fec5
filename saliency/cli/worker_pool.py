"""Processes that read pictures and draw figures beside the network's passes. None of them imports a framework."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError  # before Python 3.11, another class than TimeoutError
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, nullcontext
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")
STARTS = 3
"""How often a task is started if its process dies. After a death, tasks run alone, so that this task causes the last one."""

PATIENCE = 1.0
"""Seconds after which a process that ended while the executor waits is taken as lost."""


class WorkerDied(Exception):  # noqa: N818 - its message is part of an error
    """A process that computed a task died, as if it was killed or ran out of memory."""


class PoolTask(Generic[Result]):
    """A task of a pool.

    Args:
        pool: the pool.
        function: a function of a module, which another process can import.
        arguments: its arguments, which are pickled.
    """

    def __init__(self, pool: "WorkerPool", function: Callable[..., Result], arguments: tuple[Any, ...]) -> None:
        self._pool, self._function, self._arguments = pool, function, arguments
        self._start()

    def result(self) -> Result:
        """Wait for the result. If a process died, start the task again.

        Raises:
            WorkerDied: if the process died each time.
            Exception: whatever the function raises.
        """
        for starts in range(1, STARTS + 1):
            try:
                return self._wait()
            except BrokenProcessPool:
                self._pool.replace(self._executor)
                if starts < STARTS:
                    self._start()
        raise WorkerDied(f"its process died {STARTS} times, as if it was killed or ran out of memory")

    def _wait(self) -> Result:
        """Wait for the result. A process that died while it sent its result would leave the executor waiting for the rest."""
        while True:
            lost = self._pool.lost()
            try:
                return self._future.result(PATIENCE)
            except FutureTimeoutError as error:
                if self._future.done():
                    raise
                if lost:
                    raise BrokenProcessPool("a process died while it sent a result") from error

    def _start(self) -> None:
        try:
            self._submit()
        except BrokenProcessPool:  # a process died while it was idle
            self._pool.replace(self._executor)
            self._submit()

    def _submit(self) -> None:
        self._executor = self._pool.executor
        with _interrupts_blocked():  # a new process inherits this
            self._future: Future[Result] = self._executor.submit(self._function, *self._arguments)
        self._pool.lost()  # know the processes that were started for it


class WorkerPool:
    """A pool of processes, as a context manager. If the block raises, its processes are stopped at once.

    Args:
        processes: their number.
    """

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._others = {process.pid for process in multiprocessing.active_children()}
        self._known: set[BaseProcess] = set()
        self.executor = self._started()

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        results = _sending_end(self.executor)
        try:
            self.executor.shutdown(wait=kind is None, cancel_futures=True)
        finally:
            self._stop(results)

    def submit(self, function: Callable[..., Result], *arguments: Any) -> PoolTask[Result]:
        """Start a task, or queue it."""
        return PoolTask(self, function, arguments)

    def replace(self, broken: ProcessPoolExecutor) -> None:
        """Start new processes, unless this was done since the given ones broke."""
        if broken is self.executor:
            results = _sending_end(broken)
            broken.shutdown(wait=False, cancel_futures=True)
            self._stop(results)
            self.executor = self._started()

    def lost(self) -> bool:
        """Return whether a process that this method has seen alive has ended; a moment later, the executor has noticed it."""
        self._known |= set(self._own())
        return any(process.exitcode is not None for process in self._known)

    def _started(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")  # a fork of a process that has used a framework can hang
        return ProcessPoolExecutor(self._processes, context, _begin)

    def _own(self) -> list[BaseProcess]:
        return [process for process in multiprocessing.active_children() if process.pid not in self._others]

    def _stop(self, results: Any) -> None:
        """Stop all processes of the pool, wait for them, and close the pipe of their results."""
        own = self._own()
        for process in own:
            process.kill()  # they write no files
        for process in own:
            process.join()
        self._known.clear()
        if results is not None:
            results.close()


def open_pool(processes: int | None) -> AbstractContextManager[WorkerPool | None]:
    """Return a pool as a context manager, or one of None if there are to be no other processes."""
    return nullcontext() if processes is None else WorkerPool(processes)


def _sending_end(executor: ProcessPoolExecutor) -> Any:
    """Return the sending end of the pipe of an executor's results, or None.

    This process holds it open as well. If a process was killed in the middle of a result, the executor's thread, for which
    Python waits at its exit, would wait for the rest forever.
    """
    return getattr(getattr(executor, "_result_queue", None), "_writer", None)


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Delay SIGINT until the end of the block; on Windows, do nothing."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    """Prepare a new process: its parent stops it after a Ctrl-C, and it ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    with contextlib.suppress(OSError):
        parent.join()
    os._exit(1)

"""Undo what a block changes, also if an exception arrives between any two of its instructions.

``contextlib.contextmanager`` and ``try``/``finally`` are not enough: an interrupt may arrive between a change and ``try``, or
at the start of ``__exit__``. Therefore, each change is undone by a step that was registered before the change. A step may run
before its change, and it may run twice. If an interrupt keeps a step from running, it runs at the end of the outer block, in
the caller's ``all_undone``, or in the next call.
"""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from functools import wraps
from inspect import CO_GENERATOR
from itertools import starmap
from types import FrameType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from saliency.core.interrupts import DeferredInterrupts
from saliency.core.stack_frames import is_running

CONTEXTLIB = contextlib.__file__

P = ParamSpec("P")
T = TypeVar("T")


class _Unfinished(threading.local):
    """The blocks of one thread that have steps left, the innermost last."""

    def __init__(self) -> None:
        self.blocks: list[Undo] = []


_unfinished = _Unfinished()


class Undo:
    """The steps that undo the changes of one block.

    Args:
        call: the frame of the call with the block.
        deferred: holds interrupts back during the block.
    """

    def __init__(self, call: FrameType, deferred: DeferredInterrupts) -> None:
        self.call, self.deferred, self.ended_normally = call, deferred, False
        self._steps: list[Callable[[], Any]] = []

    def add(self, step: Callable[..., Any], *args: Any) -> None:
        """Register a step before the change that it undoes. The last step runs first.

        Args:
            step: undoes a change. It may run before the change is made, and it may run twice.
            *args: its arguments.
        """
        self._steps.append(lambda: step(*args))

    def enter(self, block: "Undoable[T]") -> T:
        """Make the changes of another block, to be undone at the end of this one."""
        return block.change(self)

    def run(self) -> None:
        """Run the steps. If one of them fails, the others run too, and its error is raised at the end."""
        failure: Exception | None = None
        while self._steps:
            try:
                self._steps[-1]()
            except Exception as error:
                failure = failure or error
            self._steps.pop()  # afterwards, because an interrupt may arrive in between
        if failure is not None:
            raise failure


class Undoable(Generic[T]):
    """A block that makes changes when it starts and undoes them when it ends. Interrupts are delivered after that.

    Args:
        change: registers the steps, makes the changes, and returns the value of the block.
    """

    __slots__ = ("_deferred", "_undo", "change")

    def __init__(self, change: Callable[[Undo], T]) -> None:
        self.change, self._deferred = change, DeferredInterrupts()

    def __enter__(self) -> T:
        finish_interrupted_blocks()
        self._deferred.__enter__()
        self._undo = Undo(_owner(sys._getframe(1)), self._deferred)
        try:
            _unfinished.blocks.append(self._undo)
            return self.change(self._undo)
        except BaseException:
            self._finish()
            raise

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        self._undo.ended_normally = kind is None
        self._finish()

    def _finish(self) -> None:
        try:
            try:
                _finish_blocks_from(self._undo)
            except BaseException:
                _finish_blocks_from(self._undo)  # the rest, after an interrupt in another thread than the main thread
                raise
        finally:
            self._deferred.__exit__()


def undoable(change: Callable[Concatenate[Undo, P], T]) -> Callable[P, Undoable[T]]:
    """Make a function of an ``Undo`` and other arguments return a block; called with the other arguments only."""

    @wraps(change)
    def block(*args: P.args, **kwargs: P.kwargs) -> Undoable[T]:
        return Undoable(lambda undo: change(undo, *args, **kwargs))

    return block


def hold_lock(undo: Undo, lock: Any) -> None:
    """Acquire a reentrant lock until a block ends."""
    acquired: list[bool] = []
    undo.add(_release, lock, acquired)
    acquired.extend(starmap(lock.acquire, [()]))  # in one step, so that no interrupt arrives in between


def _release(lock: Any, acquired: list[bool]) -> None:
    if acquired:
        with contextlib.suppress(RuntimeError):  # it was released, but an interrupt arrived before the next line
            lock.release()
        acquired.clear()


def finish_interrupted_blocks() -> None:
    """Undo the changes of this thread's blocks whose calls have ended, because an interrupt kept them from doing it."""
    blocks = _unfinished.blocks
    while blocks and not is_running(blocks[-1].call):
        _finish_blocks_from(blocks[-1])


@contextlib.contextmanager
def all_undone() -> Iterator[None]:
    """Undo, at the end of a block, what an interrupt has left of the blocks in the calls that it makes."""
    try:
        yield
    finally:
        finish_interrupted_blocks()


def _finish_blocks_from(undo: Undo) -> None:
    """Run the steps of a block, and before that those of the blocks within it that are not finished."""
    blocks = _unfinished.blocks
    while undo in blocks:
        blocks[-1].run()
        blocks.pop().deferred.__exit__()


def _owner(frame: FrameType) -> FrameType:
    """Return the call that a block belongs to: the one that runs a generator or a comprehension, or uses ``contextlib``."""
    while frame.f_back is not None:
        code = frame.f_code
        if not (code.co_flags & CO_GENERATOR or code.co_name == "<listcomp>" or code.co_filename == CONTEXTLIB):
            break
        frame = frame.f_back
    return frame

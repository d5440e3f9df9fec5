"""Restore a model's state after a call of the adapter, and before each further pass of the call."""

import threading
import weakref
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import FrameType

import torch

from saliency.core.call_value import CallValue
from saliency.core.interrupts import deliver_interrupts
from saliency.core.undo import Undo, hold_lock, undoable
from saliency.core.warnings import warn
from saliency.torch.state.model_snapshot import ModelSnapshot
from saliency.torch.state.write_log import WriteLog
from saliency.torch.thread_modes import preserve_mode_stacks

_lock = threading.RLock()
"""Held by calls of models with a state, and by first calls, which find out whether the model has one."""


@dataclass
class _History:
    """What earlier calls of a model did to its state.

    Args:
        observed: the grad modes in which a call ended normally.
        has_state: whether any call changed something.
        writes: whether any call wrote to tensors that are not copied beforehand.
    """

    observed: set[bool] = field(default_factory=set)
    has_state: bool = False
    writes: bool = False


_histories: "weakref.WeakKeyDictionary[torch.nn.Module, _History]" = weakref.WeakKeyDictionary()

NOT_RESTORED = (
    "the model changed a tensor in place that no earlier call had changed, so this change could not be undone; later ones will"
    " be. Restore the model's tensors, or pass copy.deepcopy(model)"
)


class _Thread(threading.local):
    """The calls of a thread, the innermost last."""

    def __init__(self) -> None:
        self.calls: list[_Call] = []


_thread = _Thread()

_shared: CallValue[dict[torch.nn.Module, ModelSnapshot]] = CallValue()
"""The snapshots that the calls of a run share."""


class _Call:
    """One call of the adapter, with any number of passes."""

    def __init__(self, history: _History, snapshot: ModelSnapshot, is_logged: bool) -> None:
        self._history, self._snapshot, self.passes = history, snapshot, 0
        self.log = WriteLog(snapshot.uncopied_storage()) if is_logged else None

    def start_pass(self) -> None:
        """Restore the state before every pass but the first."""
        if self.passes:
            self.restore()
        self.passes += 1
        self._snapshot.replace_inference_tensors()

    def restore(self) -> bool:
        """Restore the state from before the call; return whether anything had changed."""
        with torch.no_grad(), self.log.paused() if self.log is not None else nullcontext():
            if self.log is not None:
                is_written = self.log.undo()
            else:
                is_written = self._snapshot.uncopied.are_written()
                if is_written:
                    warn(NOT_RESTORED)
            is_changed = self._snapshot.restore() or is_written
        self._history.writes = self._history.writes or is_written
        self._history.has_state = self._history.has_state or is_changed
        return is_changed

    def finish(self) -> None:
        """Restore the state, and the versions of the tensors, because no graph of the call is left."""
        if self.restore():
            self._snapshot.reset_versions()


@undoable
def restore_state(undo: Undo, model: torch.nn.Module, grad: bool) -> None:
    """Restore the state of a model when the block ends, also after an exception.

    Args:
        undo: of the block.
        model: the model, in eval mode.
        grad: whether the block records a graph; a model may keep something only then.
    """
    history = _histories.setdefault(model, _History())
    is_observed = grad in history.observed
    if not is_observed or history.has_state:
        hold_lock(undo, _lock)
    shared = _shared.current()
    snapshot = (shared or {}).get(model) or ModelSnapshot(model)
    if shared is not None:
        shared[model] = snapshot
    is_logged = (history.writes or not is_observed) and not snapshot.has_scripts  # they optimize for what they observe
    call, depth = _Call(history, snapshot, is_logged), len(_thread.calls)
    undo.add(_observe, undo, history, grad)
    undo.add(call.finish)
    undo.add(_end_calls, depth)
    _thread.calls.append(call)
    if call.log is not None:
        preserve_mode_stacks(undo)
        call.log.__enter__()  # type: ignore[no-untyped-call]


def _end_calls(depth: int) -> None:
    del _thread.calls[depth:]


def _observe(undo: Undo, history: _History, grad: bool) -> None:
    """Note that a call ended normally; last, because from then on only ``has_state`` keeps other threads out."""
    if undo.ended_normally:
        history.observed.add(grad)


def share_snapshots(run: FrameType) -> Callable[[], None]:
    """Use one snapshot of each model for all calls of a run in this thread; nobody else may change the models meanwhile.

    Args:
        run: the frame of the run.

    Returns:
        A function that ends it before the run's end.
    """
    return _shared.provide({}, run)


def start_pass() -> None:
    """Restore the state before every pass of a call but the first, so that all passes start from the same state."""
    deliver_interrupts()
    if _thread.calls:
        _thread.calls[-1].start_pass()

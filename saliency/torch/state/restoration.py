"""Restore a model's state after a call of the adapter, and before each further pass of the call."""

import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field

import torch

from saliency.core.warnings import warn
from saliency.torch.state.model_snapshot import ModelSnapshot
from saliency.torch.state.write_log import WriteLog

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
    """What a thread is doing: its calls, the innermost last, and the snapshots that the calls of a run share."""

    def __init__(self) -> None:
        self.calls: list[_Call] = []
        self.is_shared = False
        self.snapshots: dict[torch.nn.Module, ModelSnapshot] = {}


_thread = _Thread()


class _Call:
    """One call of the adapter, with any number of passes."""

    def __init__(self, history: _History, snapshot: ModelSnapshot, is_logged: bool) -> None:
        self._history, self._snapshot, self.passes = history, snapshot, 0
        self.log = WriteLog({tensor.storage_id for tensor in snapshot.uncopied}) if is_logged else None

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
                is_written = any(tensor.is_written() for tensor in self._snapshot.uncopied)
                if is_written:
                    warn(NOT_RESTORED)
            is_changed = self._snapshot.restore() or is_written
        self._history.writes = self._history.writes or is_written
        self._history.has_state = self._history.has_state or is_changed
        return is_changed

    def finish(self) -> None:
        """Restore the state, and the versions of the tensors, because no graph of the call is left."""
        if self.restore():
            for tensor in self._snapshot.tensors:
                tensor.reset_version()


@contextmanager
def restore_state(model: torch.nn.Module, grad: bool) -> Iterator[None]:
    """Restore the state of a model when the block ends, also after an exception.

    Args:
        model: the model, in eval mode.
        grad: whether the block records a graph; a model may keep something only then.
    """
    history = _histories.setdefault(model, _History())
    is_observed = grad in history.observed
    with ExitStack() as stack:
        if not is_observed or history.has_state:
            stack.enter_context(_lock)
        snapshot = _thread.snapshots.get(model) or ModelSnapshot(model)
        if _thread.is_shared:
            _thread.snapshots[model] = snapshot
        is_logged = (history.writes or not is_observed) and not snapshot.has_scripts  # they optimize for what they observe
        call, depth = _Call(history, snapshot, is_logged), len(_thread.calls)
        try:
            _thread.calls.append(call)
            with call.log or nullcontext():
                yield
        finally:
            del _thread.calls[depth:]
            call.finish()
        history.observed.add(grad)  # last, because from then on only ``has_state`` keeps other threads out


@contextmanager
def share_snapshots() -> Iterator[None]:
    """Use one snapshot of each model for all calls of this thread in a block; nobody else may change the models in it."""
    outer = _thread.is_shared, _thread.snapshots
    _thread.is_shared, _thread.snapshots = True, {}
    try:
        yield
    finally:
        _thread.is_shared, _thread.snapshots = outer


def start_pass() -> None:
    """Restore the state before every pass of a call but the first, so that all passes start from the same state."""
    if _thread.calls:
        _thread.calls[-1].start_pass()

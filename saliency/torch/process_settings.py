"""Change settings of the whole process while the model runs, and restore them."""

import threading
from collections.abc import Callable
from typing import Any

import torch

from saliency.core.undo import Undo, Undoable


class ProcessSetting:
    """A setting of the whole process that has another value while at least one block runs, on any thread.

    The first block changes the value, and the last one restores it. A value that the user sets in the meantime stays.

    Args:
        read: returns the value.
        write: sets the value.
        value: the value for the blocks.
    """

    def __init__(self, read: Callable[[], Any], write: Callable[[Any], Any], value: Any) -> None:
        self._read, self._write, self._value = read, write, value
        self._lock, self._earlier = threading.RLock(), value
        self._blocks: set[Undo] = set()

    def changed(self) -> Undoable[None]:
        """Return a block with the changed value."""
        return Undoable(self._change)

    def _change(self, undo: Undo) -> None:
        undo.add(self._end, undo)
        with self._lock:
            if not self._blocks:
                self._earlier = self._read()
            self._blocks.add(undo)
            self._write(self._value)

    def _end(self, undo: Undo) -> None:
        with self._lock:
            if self._blocks == {undo} and self._read() == self._value:
                self._write(self._earlier)
            self._blocks.discard(undo)


def _set_cudnn_enabled(value: bool) -> None:
    torch.backends.cudnn.enabled = value


ATTENTION_WITHOUT_FAST_PATH = ProcessSetting(
    torch.backends.mha.get_fastpath_enabled, torch.backends.mha.set_fastpath_enabled, False
)
"""The fast path of ``nn.TransformerEncoder`` and ``nn.MultiheadAttention``, off.

Torch takes it only if no graph is recorded. With a padding mask it computes another function: padded positions become zero.
"""

CUDNN_OFF = ProcessSetting(lambda: torch.backends.cudnn.enabled, _set_cudnn_enabled, False)
"""cuDNN, off: it refuses the backward pass of a recurrent layer in eval mode."""

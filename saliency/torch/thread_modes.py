"""Restore the grad mode and the stacks of dispatch and function modes of a thread."""

from typing import Any

import torch
from torch.overrides import _get_current_function_mode
from torch.utils._python_dispatch import _get_current_dispatch_mode

from saliency.core.undo import Undo


def preserve_grad_mode(undo: Undo) -> None:
    """Restore this thread's grad mode at the end of a block."""
    undo.add(torch.set_grad_enabled, torch.is_grad_enabled())


def preserve_mode_stacks(undo: Undo) -> None:
    """Leave the dispatch and function modes that this thread enters in a block when it ends."""
    undo.add(_leave_modes, torch._C._len_torch_dispatch_stack(), torch._C._len_torch_function_stack())


def _leave_modes(dispatch_modes: int, function_modes: int) -> None:
    while torch._C._len_torch_dispatch_stack() > dispatch_modes:
        _leave(_get_current_dispatch_mode())
    while torch._C._len_torch_function_stack() > function_modes:
        _leave(_get_current_function_mode())  # type: ignore[no-untyped-call]


def _leave(mode: Any) -> None:
    mode.__exit__(None, None, None)

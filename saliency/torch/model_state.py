"""Preserve the model's modes and state, the caller's grad modes and the random generators."""

import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch

from saliency.core.undo import Undo, undoable
from saliency.torch.module_tree import all_modules
from saliency.torch.state import restore_state
from saliency.torch.thread_modes import preserve_grad_mode, preserve_mode_stacks


@dataclass
class _ActiveCalls:
    """The changes of all calls that run on any thread: the first call makes a change, the last one reverts it."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    calls_in_eval_mode: dict[torch.nn.Module, set[Undo]] = field(default_factory=dict)  # modules that were in train mode
    eager_calls: set[Undo] = field(default_factory=set)  # calls that need compiled code to run eagerly
    stance: ExitStack = field(default_factory=ExitStack)


_active_calls = _ActiveCalls()


@undoable
def preserve_model_state(undo: Undo, model: torch.nn.Module, device: torch.device, grad: bool) -> None:
    """Set eval mode, eager execution and the grad mode for a block, and restore everything, also after an exception.

    Several threads may evaluate a model and its parts at the same time. Torch's global generators are reset to their earlier
    state, so another thread that draws from them in the meantime draws some numbers twice.

    Args:
        undo: of the block.
        model: any module, in train mode, eval mode or a mixture.
        device: the model's device; its generator and the CPU's are restored.
        grad: record a graph, even if the caller is in ``no_grad`` or ``inference_mode``.
    """
    _preserve_generators(undo, device)
    undo.enter(normal_mode())
    preserve_grad_mode(undo)
    preserve_mode_stacks(undo)
    torch.set_grad_enabled(grad)
    if "torch._dynamo" in sys.modules:  # compiled code hides ReLUs and layers; without Dynamo nothing is compiled
        _run_eagerly(undo)
    _set_eval_mode(undo, model)
    undo.enter(restore_state(model, grad))


@undoable
def normal_mode(undo: Undo) -> None:
    """Leave the caller's ``inference_mode`` for a block."""
    mode: Any = torch._C._InferenceMode(False)
    undo.add(mode.__exit__, None, None, None)
    mode.__enter__()


def _preserve_generators(undo: Undo, device: torch.device) -> None:
    if device.type == "cuda":
        undo.add(torch.cuda.set_rng_state, torch.cuda.get_rng_state(device), device)
    undo.add(torch.set_rng_state, torch.get_rng_state())


def _run_eagerly(undo: Undo) -> None:
    """Run compiled code eagerly; the setting applies to the whole process."""
    undo.add(_end_eager_call, undo)
    with _active_calls.lock:
        if not _active_calls.eager_calls:
            _active_calls.stance.enter_context(torch.compiler.set_stance("force_eager"))
        _active_calls.eager_calls.add(undo)


def _end_eager_call(undo: Undo) -> None:
    with _active_calls.lock:
        _active_calls.eager_calls.discard(undo)
        if not _active_calls.eager_calls:
            _active_calls.stance.close()


def _set_eval_mode(undo: Undo, model: torch.nn.Module) -> None:
    """Set the modules' flags; ``.eval()`` would change children with another flag, and exported modules reject it."""
    calls: dict[torch.nn.Module, set[Undo]] = _active_calls.calls_in_eval_mode
    changed: list[torch.nn.Module] = []
    undo.add(_end_eval_mode, undo, changed)
    with _active_calls.lock:
        for module in all_modules(model):
            if getattr(module, "training", False) or module in calls:
                changed.append(module)
                calls.setdefault(module, set()).add(undo)
                module.training = False


def _end_eval_mode(undo: Undo, changed: list[torch.nn.Module]) -> None:
    calls = _active_calls.calls_in_eval_mode
    with _active_calls.lock:
        for module in [module for module in changed if module in calls]:
            calls[module].discard(undo)
            if not calls[module]:
                module.training = True
                del calls[module]

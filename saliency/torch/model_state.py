"""Preserve the model's modes and state, the caller's grad modes and the random generators."""

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch

from saliency.torch.state import restore_state


@dataclass
class _ActiveCalls:
    """The changes of all calls that run on any thread: the first call makes a change, the last one reverts it."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    calls_in_eval_mode: dict[torch.nn.Module, int] = field(default_factory=dict)  # modules that were in train mode
    eager_calls: int = 0  # calls that need compiled code to run eagerly
    stance: ExitStack = field(default_factory=ExitStack)


_active_calls = _ActiveCalls()


@contextmanager
def preserve_model_state(model: torch.nn.Module, device: torch.device, grad: bool) -> Iterator[None]:
    """Set eval mode, eager execution and the grad mode for a block, and restore everything, also after an exception.

    Several threads may evaluate a model and its parts at the same time. Torch's global generators are reset to their earlier
    state, so another thread that draws from them in the meantime draws some numbers twice.

    Args:
        model: any module, in train mode, eval mode or a mixture.
        device: the model's device; its generator and the CPU's are restored.
        grad: record a graph, even if the caller is in ``no_grad`` or ``inference_mode``.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng([device] if device.type == "cuda" else []))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.set_grad_enabled(grad))
        if "torch._dynamo" in sys.modules:  # compiled code hides ReLUs and layers; without Dynamo nothing is compiled
            stack.enter_context(_run_eagerly())
        stack.enter_context(_eval_mode(model))
        stack.enter_context(restore_state(model, grad))
        yield


@contextmanager
def _run_eagerly() -> Iterator[None]:
    """Run compiled code eagerly; the setting applies to the whole process."""
    entered = False
    try:
        with _active_calls.lock:
            if not _active_calls.eager_calls:
                _active_calls.stance.enter_context(torch.compiler.set_stance("force_eager"))
            _active_calls.eager_calls += 1
            entered = True
        yield
    finally:
        with _active_calls.lock:
            _active_calls.eager_calls -= entered
            if not _active_calls.eager_calls:
                _active_calls.stance.close()


@contextmanager
def _eval_mode(model: torch.nn.Module) -> Iterator[None]:
    """Set the modules' flags; ``.eval()`` would change children with another flag, and exported modules reject it."""
    calls, changed = _active_calls.calls_in_eval_mode, []
    try:
        with _active_calls.lock:
            for module in model.modules():
                if getattr(module, "training", False) or module in calls:
                    changed.append(module)  # first, because an interrupt may occur between any two of these lines
                    calls[module] = calls.get(module, 0) + 1
                    module.training = False
        yield
    finally:
        with _active_calls.lock:
            for module in [module for module in changed if module in calls]:
                calls[module] -= 1
                if not calls[module]:
                    module.training = True
                    del calls[module]

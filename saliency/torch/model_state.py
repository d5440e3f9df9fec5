"""A model is left as it was found: its modes, the caller's grad modes and the random generators."""

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch

from saliency.core.errors import ModelError
from saliency.core.warnings import warn


@dataclass
class _UnderWay:
    """What the calls under way on all threads have changed: the first to need it changes it, the last restores it."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    evaluated: dict[torch.nn.Module, int] = field(default_factory=dict)  # modules found in train mode -> calls
    eager: int = 0  # calls that need compiled code to run eagerly
    stance: ExitStack = field(default_factory=ExitStack)


_under_way = _UnderWay()


@contextmanager
def untouched(model: torch.nn.Module, device: torch.device, grad: bool) -> Iterator[None]:
    """Evaluate a model in eval mode, eagerly, with or without a graph; restore everything, also after an exception.

    Several threads may evaluate a model and its parts at a time. Torch's global generators are set back to where they were,
    so a thread that draws from them meanwhile sees some numbers again.

    Args:
        model: any module, in train or eval mode or a mixture.
        device: of the model; its generator and the CPU's are restored.
        grad: record a graph, even where the caller is under ``no_grad`` or ``inference_mode``.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng([device] if device.type == "cuda" else []))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.set_grad_enabled(grad))
        if "torch._dynamo" in sys.modules:  # compiled code hides ReLUs and layers; unless it is loaded, nothing is compiled
            stack.enter_context(_eagerly())
        stack.enter_context(_eval_mode(model))
        yield


@contextmanager
def _eagerly() -> Iterator[None]:
    """Run compiled code eagerly; the setting is the whole process's."""
    entered = False
    try:
        with _under_way.lock:
            if not _under_way.eager:
                _under_way.stance.enter_context(torch.compiler.set_stance("force_eager"))
            _under_way.eager += 1
            entered = True
        yield
    finally:
        with _under_way.lock:
            _under_way.eager -= entered
            if not _under_way.eager:
                _under_way.stance.close()


@contextmanager
def _eval_mode(model: torch.nn.Module) -> Iterator[None]:
    """Set flags, not ``.eval()``: that would change children whose flag differs, and exported modules refuse it."""
    evaluated, mine = _under_way.evaluated, []
    try:
        with _under_way.lock:
            for module in model.modules():
                if getattr(module, "training", False) or module in evaluated:
                    mine.append(module)  # first: an interrupt may come between any two of these
                    evaluated[module] = evaluated.get(module, 0) + 1
                    module.training = False
        yield
    finally:
        with _under_way.lock:
            for module in [module for module in mine if module in evaluated]:
                evaluated[module] -= 1
                if not evaluated[module]:
                    module.training = True
                    del evaluated[module]


def check_servable(model: torch.nn.Module) -> None:
    """Refuse a model whose tensors autograd cannot use; warn of one that mixes the samples of a batch.

    Raises:
        ModelError: if the model was made or loaded under ``torch.inference_mode()``.
    """
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm) and module.running_mean is None:
            warn(f"the model's `{name}` has no running statistics and mixes the samples of a batch: use batch_size=1")
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_inference():
            raise ModelError(
                f"the model's `{name}` is an inference tensor, which has no gradients: make the model outside "
                "torch.inference_mode(), or use torch.no_grad() there"
            )

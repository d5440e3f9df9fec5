"""A model is left as it was found: its modes, the caller's grad modes and the random generators."""

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch

from saliency.core.errors import ModelError


@dataclass
class _Evaluation:
    """Calls under way on one model, and the modules that they found in train mode; the last call to end restores these."""

    calls: int = 0
    training: list[torch.nn.Module] = field(default_factory=list)


_evaluating: dict[torch.nn.Module, _Evaluation] = {}
_lock = threading.Lock()


@contextmanager
def untouched(model: torch.nn.Module, device: torch.device, grad: bool) -> Iterator[None]:
    """Evaluate a model in eval mode, eagerly, with or without a graph; restore everything, also after an exception.

    Args:
        model: any module, in train or eval mode or a mixture; several threads may evaluate it at a time.
        device: of the model; its generator and the CPU's are restored.
        grad: record a graph, even where the caller is under ``no_grad`` or ``inference_mode``.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng([device] if device.type == "cuda" else []))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.set_grad_enabled(grad))
        if "torch._dynamo" in sys.modules:  # compiled code hides ReLUs and layers; unless it is loaded, nothing is compiled
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        stack.enter_context(_eval_mode(model))
        yield


@contextmanager
def _eval_mode(model: torch.nn.Module) -> Iterator[None]:
    """Set flags, not ``.eval()``: that would change children whose flag differs, and exported modules refuse it."""
    with _lock:
        evaluation = _evaluating.setdefault(model, _Evaluation())
        evaluation.calls += 1
        for module in [module for module in model.modules() if module.training]:
            evaluation.training.append(module)
            module.training = False
    try:
        yield
    finally:
        with _lock:
            evaluation.calls -= 1
            if not evaluation.calls:
                for module in _evaluating.pop(model).training:
                    module.training = True


def check_servable(model: torch.nn.Module) -> None:
    """Refuse a model whose tensors autograd cannot use.

    Raises:
        ModelError: if the model was made or loaded under ``torch.inference_mode()``.
    """
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_inference():
            raise ModelError(
                f"the model's `{name}` is an inference tensor, which has no gradients: make the model outside "
                "torch.inference_mode(), or use torch.no_grad() there"
            )

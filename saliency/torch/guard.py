"""A model is left as it was found: its modes, the caller's grad modes and the random generators."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from saliency.core.errors import ModelError


@contextmanager
def untouched(model: torch.nn.Module, device: torch.device, grad: bool) -> Iterator[None]:
    """Evaluate a model in eval mode, eagerly, with or without a graph; restore everything, also after an exception.

    Args:
        model: any module, in train or eval mode or a mixture.
        device: of the model; its generator and the CPU's are restored.
        grad: record a graph, even where the caller is under ``no_grad`` or ``inference_mode``.
    """
    training = [module for module in model.modules() if module.training]
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng([device] if device.type == "cuda" else []))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.set_grad_enabled(grad))
        if "torch._dynamo" in sys.modules:  # compiled code hides ReLUs and layers; unless it is loaded, nothing is compiled
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        stack.callback(_set_training, training, True)
        _set_training(training, False)
        yield


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


def _set_training(modules: list[torch.nn.Module], mode: bool) -> None:
    for module in modules:
        module.training = mode  # not .train(): it would change the children too, and exported modules refuse it

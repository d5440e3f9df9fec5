"""The bare passes of a model, the minimum cost of a method: no noise, no sum, no weights, no checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch


def record_batches(model: torch.nn.Module, run: Callable[[], object]) -> list[torch.Tensor]:
    """Run a method and return the batches that it passed to the model, in the default memory format.

    Bare passes must use the same values, since max pooling is slower on a noisy image than on a smooth one.
    """
    batches: list[torch.Tensor] = []

    def record(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        batches.append(inputs[0].detach().clone(memory_format=torch.contiguous_format))

    run()  # warm-up
    with model.register_forward_pre_hook(record):
        run()
    return batches


def rebatch(batches: Sequence[torch.Tensor], size: int) -> list[torch.Tensor]:
    """Return the same inputs in batches of nearly equal sizes, none larger than ``size``."""
    inputs = torch.cat(list(batches))
    return list(inputs.tensor_split(-(-len(inputs) // size)))


def run_gradients(model: torch.nn.Module, y: int, batches: Sequence[torch.Tensor]) -> None:
    """Run a forward and a backward pass for each batch."""
    for batch in batches:
        leaf = batch.detach().requires_grad_()
        torch.autograd.grad(model(leaf)[:, y].sum(), leaf)


def run_forwards(model: torch.nn.Module, batches: Sequence[torch.Tensor]) -> None:
    """Run a forward pass for each batch."""
    with torch.inference_mode():
        for batch in batches:
            model(batch)

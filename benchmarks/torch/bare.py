"""The passes that a method can't do without, and nothing else: no noise, no sum, no weights, no checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch


def batches(model: torch.nn.Module, run: Callable[[], object]) -> list[torch.Tensor]:
    """Run a method, and return what it gave the model, batch after batch, in the usual order of memory.

    The numbers matter as well: maximum pooling takes longer over a noisy picture than over a smooth one.
    """
    given: list[torch.Tensor] = []

    def note(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        given.append(inputs[0].detach().clone(memory_format=torch.contiguous_format))

    run()  # a first call may have something to find out
    with model.register_forward_pre_hook(note):
        run()
    return given


def cut(given: Sequence[torch.Tensor], size: int) -> list[torch.Tensor]:
    """Return the same inputs in other batches, as even as can be and none larger than ``size``."""
    inputs = torch.cat(list(given))
    return list(inputs.tensor_split(-(-len(inputs) // size)))


def gradients(model: torch.nn.Module, y: int, given: Sequence[torch.Tensor]) -> None:
    """Run forward and backward, batch after batch."""
    for batch in given:
        leaf = batch.detach().requires_grad_()
        torch.autograd.grad(model(leaf)[:, y].sum(), leaf)


def forwards(model: torch.nn.Module, given: Sequence[torch.Tensor]) -> None:
    """Run forward alone, batch after batch."""
    with torch.inference_mode():
        for batch in given:
            model(batch)

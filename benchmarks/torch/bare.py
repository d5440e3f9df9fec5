"""The passes that a method can't do without, and nothing else: no noise, no sum, no weights, no checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch


def batches(model: torch.nn.Module, run: Callable[[], object]) -> list[torch.Tensor]:
    """Run a method, and return what it gave the model, batch after batch.

    The numbers matter as well: maximum pooling takes longer over a noisy picture than over a smooth one.
    """
    given: list[torch.Tensor] = []
    run()  # a first call may have something to find out
    with model.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].detach().clone())):
        run()
    return given


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


def smoothgrad(model: torch.nn.Module, y: int, x: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    """Write SmoothGrad down as one would for this case alone: draw, differentiate, square, add."""
    total, sigma = torch.zeros_like(x), 0.15 * float(x.max() - x.min())
    for size in sizes:
        leaf = torch.randn(size, *x.shape).mul_(sigma).add_(x).requires_grad_()
        (gradient,) = torch.autograd.grad(model(leaf)[:, y].sum(), leaf)
        total += gradient.square_().sum(0)
    return total / sum(sizes)

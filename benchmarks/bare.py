"""The passes that a method can't do without, and nothing else: no noise, no sum, no weights, no checks."""

from __future__ import annotations

from itertools import pairwise

import torch

from benchmarks.subjects import Subject


def gradients(subject: Subject, sizes: list[int]) -> None:
    """Run forward and backward, batch after batch."""
    for size in sizes:
        leaf = subject.batch(size).requires_grad_()
        torch.autograd.grad(subject.model(leaf)[:, subject.classes[0]].sum(), leaf)


def forwards(subject: Subject, sizes: list[int]) -> None:
    """Run forward alone, batch after batch."""
    with torch.inference_mode():
        for size in sizes:
            subject.model(subject.batch(size))


def smoothgrad(subject: Subject, sizes: list[int]) -> torch.Tensor:
    """Write SmoothGrad down as one would for this case alone: draw, differentiate, square, add."""
    x = subject.batch(1)
    total, sigma = torch.zeros_like(x[0]), 0.15 * float(x.max() - x.min())
    for size in sizes:
        leaf = torch.randn(size, *x.shape[1:]).mul_(sigma).add_(x).requires_grad_()
        (gradient,) = torch.autograd.grad(subject.model(leaf)[:, subject.classes[0]].sum(), leaf)
        total += gradient.square_().sum(0)
    return total / sum(sizes)


def even(points: int, size: int) -> list[int]:
    """Cut evaluations into the fewest even batches of at most ``size``."""
    runs = -(-points // size)
    return [b - a for a, b in pairwise(points * i // runs for i in range(runs + 1))]

"""The training loop that all demo networks share."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

Data = TypeVar("Data")


def run_steps(
    batches: Sequence[tuple[Data, Tensor]],
    loss_of: Callable[[Data, Tensor], Tensor],
    schedules: Mapping[Optimizer, LRScheduler],
) -> None:
    """Take one optimization step for each batch, and print the loss twenty times.

    Args:
        batches: datasets and rows of them.
        loss_of: computes the loss of one batch.
        schedules: each optimizer with the schedule of its learning rate.
    """
    begin, running = time.perf_counter(), 0.0
    for step, batch in enumerate(batches, start=1):
        loss: Any = loss_of(*batch)
        for optimizer in schedules:
            optimizer.zero_grad()
        loss.backward()
        for optimizer, schedule in schedules.items():
            optimizer.step()
            schedule.step()
        running += (loss.item() - running) / min(step, 100)
        if step % max(1, len(batches) // 20) == 0:
            elapsed = time.perf_counter() - begin
            print(f"  step {step:5d} of {len(batches)}  loss {running:.4f}  {elapsed:5.0f} s", flush=True)


def labeled_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Compute the mean binary cross-entropy over the labels that are not NaN."""
    labeled = ~labels.isnan()
    return nn.functional.binary_cross_entropy_with_logits(logits[labeled], labels[labeled])

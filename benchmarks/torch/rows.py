"""All works of a network, in Torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch

from benchmarks.peers.together import others
from benchmarks.row import Work
from benchmarks.subjects import Subject
from benchmarks.torch import cam_rows, gap, gradient_rows, limits, occlusion_rows

CLOCK = limits.CLOCK


@contextmanager
def works(subject: Subject) -> Iterator[Iterator[Work]]:
    """Give the works; other libraries' processes end with the ``with`` block."""
    with others("torch", subject, gap.change(subject), partial(save, subject), CLOCK) as peers:
        yield _works(subject, peers)


def _works(subject: Subject, peers: object) -> Iterator[Work]:
    if not subject.occlusion_alone:
        yield from gradient_rows.works(subject, peers)
        yield from cam_rows.works(subject)
    yield from occlusion_rows.works(subject)


def save(subject: Subject, folder: Path) -> None:
    """Write the model down as an exported program, for a process that knows no class of it."""
    x = limits.noisy(subject, 2)
    program = torch.export.export(subject.model, (x,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    torch.export.save(program, folder / "model.pt2")

"""All workloads of a case, in Torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path

import torch

from benchmarks.cases import BenchmarkCase
from benchmarks.comparison import Workload
from benchmarks.peers.peer_variants import PeerVariants, peer_variants
from benchmarks.torch import (
    attention_workloads,
    cam_workloads,
    completeness_gap,
    gradient_workloads,
    limits,
    lrp_workloads,
    metric_workloads,
    occlusion_workloads,
    path_workloads,
    region_workloads,
    rise_workloads,
)

CLOCK = limits.CLOCK


@contextmanager
def workloads(case: BenchmarkCase) -> Iterator[Iterator[Workload]]:
    """Provide the workloads; the process of other libraries ends with the ``with`` block."""
    if case.has_attention:
        yield chain(attention_workloads.workloads(case), lrp_workloads.workloads(case))
        return
    more = {"attributions": path_workloads.attributions(case.x), "picture": metric_workloads.picture_of(case)}
    with peer_variants("torch", case, completeness_gap.score_change(case), partial(save, case), CLOCK, **more) as peers:
        yield _workloads(case, peers)


def _workloads(case: BenchmarkCase, peers: PeerVariants) -> Iterator[Workload]:
    if not case.occlusion_only:
        yield from gradient_workloads.workloads(case, peers)
    if not case.occlusion_only and not case.gradients_only:
        yield from cam_workloads.workloads(case)
        yield from path_workloads.workloads(case, peers)
        yield from region_workloads.workloads(case)
        yield from metric_workloads.workloads(case, peers)
        yield from rise_workloads.workloads(case)
    if not case.gradients_only:
        yield from lrp_workloads.workloads(case)
    yield from occlusion_workloads.workloads(case)


def save(case: BenchmarkCase, folder: Path) -> None:
    """Write the model as an exported program, which loads without the model's class."""
    x = limits.noisy_inputs(case, 2)
    program = torch.export.export(case.model, (x,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    torch.export.save(program, folder / "model.pt2")

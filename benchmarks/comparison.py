"""Comparisons: one workload in several variants. A comparison is a row of the tables, a variant a column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from itertools import groupby

OURS, LIMIT, BEST = "ours", "limit", "limit, best batches"
CAPTUM, DEFAULT, GRAD_CAM = "Captum", "Captum's defaults", "pytorch-grad-cam"
KERAS_VIS, PAIR, PAIR_GRAPH, ZENNIT = "tf-keras-vis", "PAIR", "PAIR on a tf.function", "zennit"
QUANTUS = "Quantus"
COLUMNS = (LIMIT, BEST, CAPTUM, DEFAULT, GRAD_CAM, ZENNIT, KERAS_VIS, PAIR, PAIR_GRAPH, QUANTUS)
"""The columns that ours is compared with, in the table's order."""


@dataclass(frozen=True)
class Variant:
    """Describe one implementation of a workload.

    Args:
        run: the function to time.
        description: its batch sizes or options.
        factor, offset: if ``run`` does only a part of the workload, the whole takes ``factor`` times its seconds plus
            ``offset`` seconds.
    """

    run: Callable[[], object]
    description: str = ""
    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Comparison:
    """Hold the variants of one workload.

    Args:
        variants: column -> variant; the first is ``OURS``.
        max_ratios: column -> the largest acceptable ratio of our time to its time.
        note: a remark for the reader of the table.
    """

    variants: Mapping[str, Variant]
    max_ratios: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Workload:
    """Hold a comparison that is prepared only when needed, since this takes time.

    Args:
        name: the method with its main options.
        prepare: prepares the comparison.
    """

    name: str
    prepare: Callable[[], Comparison]


def format_batch_sizes(batches: Sequence[Sized]) -> str:
    """Format the sizes of batches, such as ``13+12`` or ``1+14x13``."""
    runs = [(size, len(list(same))) for size, same in groupby(len(batch) for batch in batches)]
    return "+".join(str(size) if times == 1 else f"{times}x{size}" for size, times in runs)

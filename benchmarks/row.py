"""What is measured: a row is one work, done in several ways, each of which gets a column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from itertools import groupby

OURS, LIMIT, BEST = "ours", "limit", "limit, best batches"
CAPTUM, DEFAULT, GRAD_CAM = "Captum", "Captum's defaults", "pytorch-grad-cam"
KERAS_VIS, PAIR, PAIR_GRAPH = "tf-keras-vis", "PAIR", "PAIR on a tf.function"
COLUMNS = (LIMIT, BEST, CAPTUM, DEFAULT, GRAD_CAM, KERAS_VIS, PAIR, PAIR_GRAPH)
"""What ours is held against, in the table's order."""


@dataclass(frozen=True)
class Way:
    """One way of doing a work.

    Args:
        run: what is timed.
        words: how it is done: its batches, or its options.
        times, plus: where a part of the work is run, the whole takes ``times`` its seconds, and ``plus`` seconds.
    """

    run: Callable[[], object]
    words: str = ""
    times: float = 1.0
    plus: float = 0.0


@dataclass(frozen=True)
class Row:
    """A work in several ways.

    Args:
        ways: column -> way; ``OURS`` is the first.
        bars: column -> what the ratio of ours to it should not exceed.
        note: what a reader of the table must know of the work.
    """

    ways: Mapping[str, Way]
    bars: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Work:
    """A row that has not been prepared yet, for preparing it takes time.

    Args:
        name: of the work, with what matters of its options.
        row: prepares it.
    """

    name: str
    row: Callable[[], Row]


def in_short(given: Sequence[Sized]) -> str:
    """Write batches down in short: ``13+12``, ``1+13x14``."""
    runs = [(size, len(list(same))) for size, same in groupby(len(batch) for batch in given)]
    return "+".join(str(size) if times == 1 else f"{times}x{size}" for size, times in runs)

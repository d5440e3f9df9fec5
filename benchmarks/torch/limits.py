"""The bare passes of a work, in the batches that the method itself used and in those that are fastest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cache, partial

import torch

from benchmarks.bars import CHANNELS_LAST, PASSES
from benchmarks.clock import Clock
from benchmarks.interleaved import compare, fastest
from benchmarks.row import BEST, LIMIT, Way, in_short
from benchmarks.subjects import Subject
from benchmarks.torch import bare
from benchmarks.torch.networks import settle, tensor
from saliency import wrap
from saliency.core.runner import default_batch_size

CLOCK = Clock(settle=settle)


def of_gradients(subject: Subject, given: Sequence[torch.Tensor]) -> dict[str, Way]:
    """Return the ways of a work whose passes go forward and backward."""
    return _limits(partial(bare.gradients, subject.model, subject.classes[0]), given, best_of_gradients(subject))


def of_forwards(subject: Subject, given: Sequence[torch.Tensor]) -> dict[str, Way]:
    """Return the ways of a work whose passes only go forward."""
    return _limits(partial(bare.forwards, subject.model), given, best_of_forwards(subject))


def _limits(passes: Callable[[Sequence[torch.Tensor]], None], given: Sequence[torch.Tensor], size: int) -> dict[str, Way]:
    best = bare.cut(given, size)
    ways = {LIMIT: Way(partial(passes, given), in_short(given))}
    if sorted(map(len, best)) != sorted(map(len, given)):
        ways[BEST] = Way(partial(passes, best), in_short(best))
    return ways


def usual(subject: Subject) -> int:
    """Return how many inputs of a subject the library evaluates at a time."""
    return default_batch_size(subject.x, wrap(subject.model))


@cache
def best_of_gradients(subject: Subject) -> int:
    """Return the size of a batch that bare gradients are fastest in."""
    return _best(partial(bare.gradients, subject.model, subject.classes[0]), subject)


@cache
def best_of_forwards(subject: Subject) -> int:
    """Return the size of a batch that bare forward passes are fastest in."""
    return _best(partial(bare.forwards, subject.model), subject)


def _best(passes: Callable[[Sequence[torch.Tensor]], None], subject: Subject) -> int:
    tried = {
        size: partial(passes, [noisy(subject, size)]) for size in sorted({1, max(1, usual(subject) // 2), usual(subject)})
    }
    return fastest(tried, CLOCK, {size: size for size in tried})


def noisy(subject: Subject, count: int) -> torch.Tensor:
    """Return inputs with noise, (count, *input)."""
    x = tensor(subject.x)
    noise = torch.randn(count, *x.shape, generator=torch.Generator().manual_seed(0)).to(x.device)
    return x + 0.15 * (x.max() - x.min()) * noise


@cache
def bar(subject: Subject, size: int) -> float:
    """Return the bar of gradients in batches of ``size``: the lower where channels-last makes the bare ones that fast."""
    last = deepcopy(subject.model).to(memory_format=torch.channels_last)
    x = noisy(subject, size)
    both = {
        "usual": partial(bare.gradients, subject.model, 0, [x]),
        "last": partial(bare.gradients, last, 0, [x.contiguous(memory_format=torch.channels_last)]),
    }
    taken = compare(both, CLOCK)
    return CHANNELS_LAST if sorted(taken["last"])[1] <= CHANNELS_LAST * sorted(taken["usual"])[1] else PASSES

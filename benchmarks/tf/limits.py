"""The bare passes of a work, in the batches that the method itself used and in those that are fastest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np
import tensorflow as tf

from benchmarks.clock import Clock
from benchmarks.interleaved import fastest
from benchmarks.row import BEST, LIMIT, Way, in_short
from benchmarks.subjects import Subject
from benchmarks.tf import bare
from benchmarks.tf.networks import settle
from saliency import wrap
from saliency.core.runner import default_batch_size

CLOCK = Clock(settle=settle)


@cache
def passes(subject: Subject) -> bare.Passes:
    """Return the bare passes of a subject, traced once."""
    return bare.Passes(subject.model, subject.classes[0])


def of_gradients(subject: Subject, given: Sequence[tf.Tensor]) -> dict[str, Way]:
    """Return the ways of a work whose passes go forward and backward."""
    return _limits(passes(subject).gradients, given, _best_of_gradients(subject))


def of_forwards(subject: Subject, given: Sequence[tf.Tensor]) -> dict[str, Way]:
    """Return the ways of a work whose passes only go forward."""
    return _limits(passes(subject).forwards, given, _best_of_forwards(subject))


def _limits(run: Callable[[Sequence[tf.Tensor]], None], given: Sequence[tf.Tensor], size: int) -> dict[str, Way]:
    best = bare.cut(given, size)
    ways = {LIMIT: Way(partial(run, given), in_short(given))}
    if sorted(map(len, best)) != sorted(map(len, given)):
        ways[BEST] = Way(partial(run, best), in_short(best))
    return ways


def usual(subject: Subject) -> int:
    """Return how many inputs of a subject the library evaluates at a time."""
    return default_batch_size(subject.x, wrap(subject.model))


@cache
def _best_of_gradients(subject: Subject) -> int:
    return _best(passes(subject).gradients, subject)


@cache
def _best_of_forwards(subject: Subject) -> int:
    return _best(passes(subject).forwards, subject)


def _best(run: Callable[[Sequence[tf.Tensor]], None], subject: Subject) -> int:
    tried = {size: partial(run, [_noisy(subject, size)]) for size in sorted({1, max(1, usual(subject) // 2), usual(subject)})}
    return fastest(tried, CLOCK, {size: size for size in tried})


def _noisy(subject: Subject, count: int) -> tf.Tensor:
    noise = np.random.default_rng(0).standard_normal((count, *subject.x.shape), np.float32)
    return tf.constant(subject.x + 0.15 * np.ptp(subject.x) * noise)

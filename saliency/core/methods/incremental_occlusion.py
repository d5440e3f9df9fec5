"""Scores of inputs with an occluded window, by full forward passes or by recomputing only what a window changes."""

from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from saliency.core.batching import BatchPlan
from saliency.core.numerics.sliding_windows import SlidingWindows
from saliency.core.points import values_of_points
from saliency.core.score import Score
from saliency.core.types import Array, OccludedOutputs

WindowScores: TypeAlias = Callable[[range], Array]
"""Returns, for a range of windows, the scores (windows, N) of each input with one of them occluded."""

MAX_FINAL_ERROR = 1e-4
"""Largest difference between both computations of a window, as a fraction of the largest drop of the mask."""

MAX_TRIAL_ERROR = 1e-2
"""The same for the two trial windows, as a fraction of their larger drop. If they differ by more, the trial has failed."""

MIN_WINDOWS = 24
"""With fewer windows, the trial (two windows computed both ways, and one more pass of the clean inputs) costs too much."""

MIN_SAVED_FRACTION = 0.15
"""Least fraction of the work that must be saved; the estimate of the fraction has a smaller error."""

BATCH_FACTOR = 4
"""Windows computed incrementally in one pass, for each window in a full pass: they need less memory.

Measured on a CPU, this is close to the fastest."""


_too_little_saved: "WeakKeyDictionary[Any, set[Hashable]]" = WeakKeyDictionary()
"""Model -> kinds of calls for which a trial has shown that too little is saved, such as those of a transformer."""


def occluded_scores(score: Score, x: Array, cover: Array, windows: SlidingWindows, clean_scores: Array) -> Array:
    """Return the score of each input with each window occluded, and record whether it was computed incrementally.

    Args:
        score: the score of the inputs.
        x: (N, *input).
        cover: the content of an occluded window, (N, *input).
        windows: the windows.
        clean_scores: scores of the inputs without occlusion, (N,).

    Returns:
        (windows, N).
    """
    full_forward, scores = _full_forward_scores(score, x, cover, windows), None
    inputs = slice(None, None, score.per_input)
    if windows.count >= MIN_WINDOWS:
        occluded = score.adapter.occluded_outputs(x[inputs], cover[inputs], windows.sizes, score.request.target)
        if occluded and not _is_too_little_saved(score, x, windows):
            scores = _incremental_scores(score, occluded, windows, full_forward, clean_scores, x)
    score.record(incremental=scores is not None)
    return _concatenate_scores(score, full_forward, score.batches(windows.count)) if scores is None else scores


def _is_too_little_saved(score: Score, x: Array, windows: SlidingWindows) -> bool:
    """Return whether an earlier trial has shown that too little is saved."""
    with suppress(TypeError):  # no weak references
        return _kind(score, x, windows) in _too_little_saved.get(score.adapter.cache_owner[0], ())
    return False


def _note_too_little_saved(score: Score, x: Array, windows: SlidingWindows) -> None:
    """Remember that a trial has shown that too little is saved."""
    with suppress(TypeError):  # no weak references
        _too_little_saved.setdefault(score.adapter.cache_owner[0], set()).add(_kind(score, x, windows))


def _kind(score: Score, x: Array, windows: SlidingWindows) -> Hashable:
    """Return what the saved fraction depends on, besides the model."""
    layers = tuple(layer if isinstance(layer, str) else id(layer) for layer in score.request.target.layers)
    return score.adapter.cache_owner[1], tuple(x.shape[1:]), tuple(windows.sizes), windows.count, layers


def _incremental_scores(
    score: Score,
    occluded: OccludedOutputs,
    windows: SlidingWindows,
    full_forward: WindowScores,
    clean_scores: Array,
    x: Array,
) -> Array | None:
    """Return the scores by recomputing changes; None if this does not pay, or differs from full forward passes."""
    large_batches = replace(score, plan=BatchPlan(BATCH_FACTOR * score.plan.size, score.plan.progress))
    trial_windows = [windows.middle_index, windows.count - 1]
    score.plan.progress.announce(2 * len(trial_windows) * score.n)

    def incremental(chunk: range) -> Array:
        return large_batches.occluded_values(occluded, windows.corners(chunk))

    try:
        first = incremental(range(trial_windows[0], trial_windows[0] + 1))
        if occluded.saved_fraction < MIN_SAVED_FRACTION:
            _note_too_little_saved(score, x, windows)
            return None
        trial = score.adapter.xp.concatenate([first, incremental(range(trial_windows[1], windows.count))])
        expected = _concatenate_scores(score, full_forward, (range(i, i + 1) for i in trial_windows))
        if not _scores_agree(score, trial, expected, trial - clean_scores, MAX_TRIAL_ERROR):
            return None
        scores = _concatenate_scores(score, incremental, large_batches.batches(windows.count))
    except Exception:  # a model with an unsupported operation may raise anything; full forward passes are the fallback
        return None
    checked = score.adapter.xp.concatenate([scores[i : i + 1] for i in trial_windows])
    return scores if _scores_agree(score, checked, expected, scores - clean_scores, MAX_FINAL_ERROR) else None


def _full_forward_scores(score: Score, x: Array, cover: Array, windows: SlidingWindows) -> WindowScores:
    """Return the function that computes the scores of a range of windows by full forward passes."""
    occlude = score.adapter.window_occluder(x, cover, windows)
    return lambda chunk: values_of_points(score, occlude(chunk))


def _concatenate_scores(score: Score, window_scores: WindowScores, chunks: Iterable[range]) -> Array:
    parts = [window_scores(chunk) for chunk in chunks]
    return parts[0] if len(parts) == 1 else score.adapter.xp.concatenate(parts)


def _scores_agree(score: Score, scores: Array, expected: Array, drops: Array, tolerance: float) -> bool:
    """Return whether scores (windows, N) equal the expected ones, up to a fraction of the largest drop of each input.

    They do not agree if the drops are not much larger than the rounding error of a score.
    """
    error, largest, size = (np.abs(score.adapter.numpy(one)).max(axis=0) for one in (scores - expected, drops, expected))
    return bool((np.maximum(error, np.finfo(size.dtype).eps * size) <= tolerance * largest).all())  # False for NaN

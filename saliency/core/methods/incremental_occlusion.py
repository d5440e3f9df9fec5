"""The scores of inputs with a window covered: forward pass by forward pass, or by computing anew what a window changes."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from saliency.core.batching import BatchPlan
from saliency.core.numerics.sliding_windows import SlidingWindows
from saliency.core.score import Score
from saliency.core.types import Array, OccludedOutputs

WindowScores: TypeAlias = Callable[[range], Array]
"""From some of the windows to the scores (windows, N) of each input with one of them covered."""

MAX_FINAL_ERROR = 1e-4
"""Of the largest drop of a mask, by which a window that was computed both ways may differ."""

MAX_TRIAL_ERROR = 1e-2
"""Of the larger drop of two windows: whoever differs by so much is not asked for the others."""

MIN_WINDOWS = 24
"""Windows from which on it pays to compute two of them both ways, and the clean inputs once more."""

MIN_SAVED_FRACTION = 0.15
"""Of the plain way's work that is to be saved, or the plain way is taken: a larger part of it than the estimate errs by."""

BATCH_FACTOR = 4
"""Windows of which only changes are computed, in the place of one in a pass: measured to be about the fastest, on a CPU; they
take less memory."""


def occluded_scores(score: Score, x: Array, cover: Array, windows: SlidingWindows, whole_score: Array) -> Array:
    """Return the score of each input with each window covered, and note which way it was computed.

    Args:
        score: of the inputs.
        x: (N, *input).
        cover: what covers them, (N, *input).
        windows: where.
        whole_score: of the inputs as they are, (N,).

    Returns:
        (windows, N), a number for each window, of which there are no more than pixels.
    """
    plainly, found = _full_forward_scores(score, x, cover, windows), None
    inputs = slice(None, None, score.per_input)
    if windows.count >= MIN_WINDOWS:
        covered = score.adapter.occluded_outputs(x[inputs], cover[inputs], windows.sizes, score.request.target)
        found = covered and _incremental_scores(score, covered, windows, plainly, whole_score)
    score.record(incremental=found is not None)
    return _concatenate_scores(score, plainly, score.batches(windows.count)) if found is None else found


def _incremental_scores(
    score: Score, covered: OccludedOutputs, windows: SlidingWindows, plainly: WindowScores, whole_score: Array
) -> Array | None:
    """Return the same by computing changes, where that pays, and windows that are computed both ways agree; or None."""
    wide = replace(score, plan=BatchPlan(BATCH_FACTOR * score.plan.size, score.plan.progress))
    changes, two = lambda run: wide.occluded_values(covered, windows.corners(run)), [windows.middle_index, windows.count - 1]
    score.plan.progress.announce(2 * len(two) * score.n)
    try:
        trial = _concatenate_scores(score, changes, (range(i, i + 1) for i in two))
        if covered.saved_fraction < MIN_SAVED_FRACTION:
            return None
        plain = _concatenate_scores(score, plainly, (range(i, i + 1) for i in two))
        if not _scores_agree(score, trial, plain, trial - whole_score, MAX_TRIAL_ERROR):
            return None
        found = _concatenate_scores(score, changes, wide.batches(windows.count))
    except Exception:  # whatever a model does that patches can't follow, it may do to an input
        return None
    checked = score.adapter.xp.concatenate([found[i : i + 1] for i in two])
    return found if _scores_agree(score, checked, plain, found - whole_score, MAX_FINAL_ERROR) else None


def _full_forward_scores(score: Score, x: Array, cover: Array, windows: SlidingWindows) -> WindowScores:
    """Return what computes the scores (windows, N) of some of the windows by forward passes."""
    xp, write = score.adapter.xp, score.adapter.window_occluder(x, cover, windows)

    def scores(run: range) -> Array:
        values = score.repeat(len(run)).values(xp.reshape(write(run), (-1, *x.shape[1:])))
        return xp.reshape(values, (len(run), score.n))

    return scores


def _concatenate_scores(score: Score, scores: WindowScores, runs: Iterable[range]) -> Array:
    found = [scores(run) for run in runs]
    return found[0] if len(found) == 1 else score.adapter.xp.concatenate(found)


def _scores_agree(score: Score, found: Array, plain: Array, drops: Array, tolerance: float) -> bool:
    """Tell whether scores (windows, N) are the plain ones, within a part of the largest drop of each input.

    Where the drops are not much more than a score's rounding, nothing can be told.
    """
    off, largest, scores = (np.abs(score.adapter.numpy(one)).max(axis=0) for one in (found - plain, drops, plain))
    return bool((np.maximum(off, np.finfo(scores.dtype).eps * scores) <= tolerance * largest).all())  # NaN is not

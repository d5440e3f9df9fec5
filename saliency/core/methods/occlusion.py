"""Occlusion: the drop in score when a window of the input is covered."""

from typing import Any, final

from saliency.core.channel_axis import input_axes
from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import SCORE
from saliency.core.methods.baselines import make_baseline
from saliency.core.methods.incremental_occlusion import occluded_scores
from saliency.core.numerics.resampling import spatial_axes
from saliency.core.numerics.sliding_windows import SlidingWindows
from saliency.core.score import Score
from saliency.core.types import Array

MANY_WINDOWS = 2000
"""Number of windows above which a progress bar says how to use fewer."""


@final
class Occlusion(SaliencyMask):
    """Occlude the input with a sliding window, and add the drop in score to every pixel of the window.

    The mask has the input's shape, with equal values in all channels, in score units. The method uses no gradients.

    Every row and column is covered: if the stride does not end at the border, the last window is moved to the border.
    ``details["incremental"]`` records whether the outputs were computed incrementally, that is, by recomputing only what a
    window changes. Both computations are compared in every run; see ``saliency.core.methods.incremental_occlusion``.

    Options:
        size: size of the window in pixels, one number or one for each spatial axis.
        value: the content of an occluded window, in the input's units: a number, an array that broadcasts to the input's
            shape, ``"blur"``, ``"mean"`` (of each channel), ``"min"`` or ``"max"``.
        stride: step from window to window in pixels, one number or one for each spatial axis. The default of 1 is exact but
            slow.
        average: divide by the number of windows that cover the pixel.

    Source:
        Zeiler & Fergus, Visualizing and Understanding Convolutional Networks, arXiv:1311.2901.
    """

    differentiates = False
    unit = SCORE
    empty = "the score does not change when any of the windows is covered"

    def masks(self, score: Score, x: Array, size: Any = 15, value: Any = 0.0, stride: Any = 1, average: bool = False) -> Array:
        """Return the sum, or the mean, over windows of score(x) - score(x with the window covered)."""
        adapter, xp, cover = score.adapter, score.adapter.xp, make_baseline(value, score, x, "value")
        input_axes(adapter, x)  # warns if they are assumed
        windows = SlidingWindows.of(x, adapter.channel_axis, size, stride)
        score.plan.progress.announce(score.n)
        if windows.count > MANY_WINDOWS:
            score.plan.progress.note(_announcement(windows.count, x, adapter.channel_axis, size, stride))
        clean_scores = score.values(x)
        drops = clean_scores - occluded_scores(score, x, cover, windows, clean_scores)  # (windows, N)
        total = windows.sum_per_position(adapter, drops)
        for counts in windows.coverage_counts() if average else ():
            total = total / adapter.asarray(counts)
        return total * xp.ones_like(x)


def _announcement(count: int, x: Array, channel_axis: int | None, size: Any, stride: Any) -> str:
    """Return how many windows a mask takes, and how many with the options that take fewer."""
    axes = spatial_axes(channel_axis, len(x.shape))
    longest = max(int(x.shape[axis]) for axis in axes)
    shortest = min(int(x.shape[axis]) for axis in axes)
    window = max(1, min(longest // 7, shortest))
    step = max(1, window // 4)
    fewer = SlidingWindows.of(x, channel_axis, window, step).count
    way_on = f"; size={window}, stride={step} takes {fewer:,}" if fewer < count else ""
    return f"Occlusion with size={size}, stride={stride} evaluates {count:,} windows for each input{way_on}"

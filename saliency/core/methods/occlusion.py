"""Occlusion: how much the score drops when a window is covered."""

from typing import Any, final

from saliency.core.mask import SaliencyMask
from saliency.core.methods.baselines import make_baseline
from saliency.core.methods.incremental_occlusion import occluded_scores
from saliency.core.numerics.sliding_windows import SlidingWindows
from saliency.core.score import Score
from saliency.core.types import Array


@final
class Occlusion(SaliencyMask):
    """The drop of the score when a window of the input is covered, added to every pixel of the window.

    The mask has the input's shape, all channels alike, in score units; it takes no gradients. Every row and column is
    covered: where the stride does not end at the border, the last window stands at the border. ``details["incremental"]``
    tells whether only what a window changes was computed anew, to the same numbers: see ``incremental_occlusion``.

    Options:
        size: of the window in pixels, a number or one for each spatial axis.
        value: what covers it: a number, an array that broadcasts to the input's shape, ``"blur"``, ``"mean"`` (of each
            channel), ``"min"`` or ``"max"``; in the input's units.
        stride: from window to window in pixels, a number or one for each spatial axis.
        average: divide by the number of windows that covered the pixel.

    Source:
        Zeiler & Fergus, Visualizing and Understanding Convolutional Networks, arXiv:1311.2901.
    """

    differentiates = False
    empty = "nothing that is covered changes the score"

    def masks(self, score: Score, x: Array, size: Any = 15, value: Any = 0.0, stride: Any = 1, average: bool = False) -> Array:
        """Return the sum, or the mean, over windows of score(x) - score(x with the window covered)."""
        adapter, xp, cover = score.adapter, score.adapter.xp, make_baseline(value, score, x, "value")
        windows = SlidingWindows.of(x, adapter.channel_axis, size, stride)
        score.plan.progress.announce(score.n)
        whole_score = score.values(x)
        drops = whole_score - occluded_scores(score, x, cover, windows, whole_score)  # (windows, N)
        total = windows.sum_per_position(adapter, drops)
        for covers in windows.coverage_counts() if average else ():
            total = total / adapter.asarray(covers)
        return total * xp.ones_like(x)

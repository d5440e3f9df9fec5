"""Inputs with windows covered, where the host's memory is the device's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from saliency.core.numerics.sliding_windows import SlidingWindows


def host_covering(x: Any, cover: Any, windows: SlidingWindows) -> Callable[[range], Any]:
    """Return what covers inputs, see ``GradientAdapter.window_occluder``.

    TensorFlow broadcasts a window over its channels number by number, on a processor: that took ten times as long as to copy
    the inputs and to write into the windows.
    """
    given, covers = np.asarray(memoryview(x)), np.asarray(memoryview(cover))  # the same memory
    copies = given[None][:0]  # (windows, N, *input), used again: to ask the system for memory is felt

    def covered(run: range) -> Any:
        nonlocal copies
        if len(copies) < len(run):
            copies = np.repeat(given[None], len(run), axis=0)
        places = [windows.slices(corner) for corner in windows.corners(run)]
        for copy, place in zip(copies, places, strict=False):
            copy[place] = covers[place]
        found = tf.constant(copies[: len(run)])
        for copy, place in zip(copies, places, strict=False):
            copy[place] = given[place]
        return found

    return covered

"""Occlude windows of inputs in place, where tensors are in the host's memory."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from saliency.core.numerics.sliding_windows import SlidingWindows


def host_window_occluder(x: Any, cover: Any, windows: SlidingWindows) -> Callable[[range], Any]:
    """Return a function that occludes windows, see ``GradientAdapter.window_occluder``.

    On a CPU, TensorFlow broadcasts a window over its channels element by element. That takes ten times as long as copying
    the inputs and writing into the windows.
    """
    inputs, covers = np.asarray(memoryview(x)), np.asarray(memoryview(cover))  # views, not copies
    copies = inputs[None][:0]  # (windows, N, *input), reused: allocating the memory each time is measurably slower

    def occlude(run: range) -> Any:
        nonlocal copies
        if len(copies) < len(run):
            copies = np.repeat(inputs[None], len(run), axis=0)
        places = [windows.slices(corner) for corner in windows.corners(run)]
        for copy, place in zip(copies, places, strict=False):
            copy[place] = covers[place]
        occluded = tf.constant(copies[: len(run)])
        for copy, place in zip(copies, places, strict=False):
            copy[place] = inputs[place]
        return occluded

    return occlude

"""Inputs with windows covered, where the host's memory is the device's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from saliency.core.windows import Windows


def host_covering(x: Any, cover: Any, windows: Windows) -> Callable[[range], Any]:
    """Return what covers inputs, see ``GradientAdapter.covering``.

    TensorFlow broadcasts a window over its channels number by number, on a processor: that took ten times as long as to copy
    the inputs and to write into the windows.
    """
    given, covers = np.asarray(x), np.asarray(cover)  # the same memory

    def covered(run: range) -> Any:
        copies = np.repeat(given[None], len(run), axis=0)  # (windows, N, *input)
        for copy, corner in zip(copies, windows.corners(run), strict=True):
            place = windows.place(corner)
            copy[place] = covers[place]
        return tf.constant(copies)

    return covered

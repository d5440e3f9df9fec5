"""Warnings that point at the caller's line, from any depth in the library."""

import sys
import warnings
from pathlib import Path
from typing import Any

from saliency.core.errors import ZeroGradientWarning

PACKAGE_FOLDER = str(Path(__file__).parents[1])


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Issue a warning at the nearest line outside this library."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE_FOLDER):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def warn_of_zero_gradients(layer: Any) -> None:
    """Warn that a score does not change with any of the layers."""
    warn(
        f"`layer` (=None): the gradient of the score is zero at every layer with the input's positions, so none has an "
        f"influence. The map is of the last one, {layer!r}",
        ZeroGradientWarning,
    )

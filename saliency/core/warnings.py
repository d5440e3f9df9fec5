"""Warnings that point at the user's line, however deep in the library they arise."""

import sys
import warnings
from pathlib import Path

HOME = str(Path(__file__).parents[1])


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, at the nearest line that called into this library."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HOME):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)

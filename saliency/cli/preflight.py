"""What a command checks before any work; each raises with one line that says what is wrong."""

import difflib

from saliency.cli.options import Refused

HEADLESS = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")


def colour_map(name: str) -> None:
    """Check a colour map's name.

    Raises:
        Refused: if matplotlib has none of this name; the message gives the nearest.
    """
    from matplotlib import colormaps

    if name not in colormaps:
        near = difflib.get_close_matches(name, colormaps, n=3, cutoff=0.3)
        raise Refused(f"-cmap (={name!r}) must be one of matplotlib's colour maps; nearest: {', '.join(near) or 'coolwarm'}")


def display() -> None:
    """Check that figures can be shown.

    Raises:
        Refused: if matplotlib has no window to draw in.
    """
    import matplotlib.pyplot as plt

    backend = plt.get_backend()
    if backend.lower() in HEADLESS:
        raise Refused(f"-show needs a display, and there is none (matplotlib draws with {backend}); use -out DIR")

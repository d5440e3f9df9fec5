"""Check options that need Matplotlib before any computation."""

import difflib

from saliency.cli.options import CommandError

WINDOWLESS_BACKENDS = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")


def check_color_map(name: str) -> None:
    """Check the name of a color map.

    Raises:
        CommandError: if Matplotlib has no such color map; the message suggests the nearest names.
    """
    from matplotlib import colormaps

    if name not in colormaps:
        nearest = difflib.get_close_matches(name, colormaps, n=3, cutoff=0.3)
        raise CommandError(f"-cmap (={name!r}) must be a Matplotlib color map; nearest: {', '.join(nearest) or 'coolwarm'}")


def check_display() -> None:
    """Check that figures can be shown in a window.

    Raises:
        CommandError: if Matplotlib's backend has no windows.
    """
    import matplotlib.pyplot as plt

    backend = plt.get_backend()
    if backend.lower() in WINDOWLESS_BACKENDS:
        raise CommandError(f"-show needs a display, but Matplotlib's backend ({backend}) has none; use -out DIR instead")

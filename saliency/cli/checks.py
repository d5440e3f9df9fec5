"""What a command checks before any work; each raises with one line that says what is wrong."""

import difflib
from collections.abc import Sequence

from PIL import Image

from saliency import nets
from saliency.cli.options import Refused
from saliency.core.target import Target
from saliency.core.wrap import wrap
from saliency.nets.preparation import Float32

HEADLESS = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")


def channels(network: nets.Network, layer: str, numbers: Sequence[int]) -> None:
    """Check that a layer has the channels, by running the network once.

    Raises:
        Refused: if a number is greater than that of its channels.
    """
    adapter = wrap(network.model)
    x = adapter.asarray(grey(network)[None])
    n = int(adapter.outputs(x, Target(network.layer(layer)), {}).shape[1])
    outside = [number for number in numbers if number > n]
    if outside:
        raise Refused(f"-chn (={outside[0]}) must be a channel of {layer}, whose channels run from 1 to {n}")


def grey(network: nets.Network) -> Float32:
    """Return a grey picture, as the network prepares it."""
    height, width = network.size
    return network.prepare(Image.new("RGB", (width, height), "gray"))


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

"""What ``dnn_saliency`` checks before any work; each raises with one line that says what is wrong."""

import difflib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from saliency import nets
from saliency.cli.options import Refused
from saliency.core.target import Target
from saliency.core.wrap import wrap
from saliency.io import stim

MOST_ROWS = 600  # of pictures of an inch, at 100 pixels an inch, in a JPEG of at most 65,500 pixels
HEADLESS = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")


def stimuli(file: str) -> list[tuple[str, Path]]:
    """Return (stimID, picture file) of every stimulus.

    A relative ``path=`` counts from the working folder, as in DNNBrain, or else from the stimulus file's own.

    Raises:
        Refused: if the stimuli are no pictures, or none of them exists.
        ValueError, OSError: if the file cannot be read.
    """
    try:
        table = stim.read(file)
    except OSError as error:
        raise Refused(f"-stim ({file}) cannot be read: {error.strerror}") from None
    if table.type != "image":
        raise Refused(f"{file}: stimuli of type {table.type} are not supported; type=image is")
    folder = Path(table.path)
    if not folder.is_dir() and (Path(file).parent / folder).is_dir():
        folder = Path(file).parent / folder
    found = [(str(name), folder / str(name)) for name in table.data["stimID"]]
    if not any(os.path.lexists(path) for _, path in found):
        raise Refused(f"{file}: none of its {len(found)} pictures is in {folder.absolute()}; is its path= line right?")
    return found


def is_inside(name: str) -> bool:
    """Tell whether a stimID stays in its folder."""
    return not Path(name).is_absolute() and Path(os.path.normpath(name)).parts[:1] != ("..",)


def channels(network: nets.Network, layer: str, numbers: Sequence[int]) -> None:
    """Check that a layer has the channels, by running the network once.

    Raises:
        Refused: if a number is greater than that of its channels, or there are too many for a figure.
    """
    if len(numbers) > MOST_ROWS:
        raise Refused(f"-chn (= {len(numbers)} channels) must be at most {MOST_ROWS}, which fill a figure")
    adapter = wrap(network.model)
    grey = adapter.asarray(np.zeros((1, 3, *network.size)))
    n = int(adapter.outputs(grey, Target(network.layer(layer)), {}).shape[1])
    outside = [number for number in numbers if number > n]
    if outside:
        raise Refused(f"-chn (={outside[0]}) must be a channel of {layer}, whose channels run from 1 to {n}")


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


def folder(out: Path, names: Sequence[str], overwrite: bool) -> None:
    """Make the folder of the figures, and see that they can be written there.

    Raises:
        Refused: if it is a file, cannot be written, or holds one of the figures already.
    """
    there = [name for name in names if os.path.lexists(out / name)]
    new = [parent for parent in (out, *out.parents) if not os.path.lexists(parent)]
    if there and not overwrite:
        raise Refused(f"-out ({out}) holds {there[0]} already ({len(there)} files of this run); give -overwrite to replace")
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=out):
            pass
    except OSError as error:
        for parent in filter(os.path.lexists, new):
            parent.rmdir()
        rule = "must be a folder that can be written, or the name of a new one"
        raise Refused(f"-out ({out}) {rule}: {error.strerror}") from None

"""The units that a command is asked for: by layers and channels, or by the file of a mask."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import astuple

from saliency.cli.options import Parser, Refused, channel
from saliency.io import dmask
from saliency.io.dmask import Dmask, Units


def unit_options(parser: Parser) -> None:
    """Add the options that name units."""
    parser.option("layer", nargs="+", metavar="Layer", help="layers (default: all)")
    parser.option(
        "chn",
        type=channel,
        nargs="+",
        metavar="Channel",
        help="channels, counting from 1 (default: all); one for each of several layers",
    )
    parser.option("dmask", metavar="DnnMask", help="a .dmask.csv file of layers, channels, rows and columns")


def chosen(options: argparse.Namespace) -> Dmask | None:
    """Return the mask of ``-layer`` and ``-chn``, or that of ``-dmask``; None for all layers.

    Raises:
        Refused: if they contradict each other.
        ValueError, OSError: if the mask's file cannot be read.
    """
    if options.dmask is None:
        return _by_layers(options.layer, options.chn)
    if options.layer or options.chn:
        raise Refused("-dmask and -layer, -chn are two ways of saying the same; give one of them")
    return dmask.read(options.dmask)


def check(options: argparse.Namespace, mask: Dmask, shapes: Mapping[str, Sequence[int]]) -> None:
    """Check the numbers as their user counts them, from 1.

    Args:
        options: that the mask is from.
        mask: to be checked.
        shapes: layer -> its channels, rows and columns.

    Raises:
        Refused: if one is too large.
    """
    for name, units in mask.layers.items():
        for axis, numbers, n in zip(dmask.AXIS_FIELDS.values(), astuple(units), shapes[name], strict=True):
            if numbers is not None and max(numbers) >= n:
                where, number = options.dmask or "-chn", max(dmask.numbers(numbers))
                raise Refused(f"{where} (={number}) must be one of the {axis} of {name}, which run from 1 to {n}")


def _by_layers(layers: Sequence[str] | None, channels: Sequence[int] | None) -> Dmask | None:
    if layers is None:
        if channels is not None:
            raise Refused("-chn needs -layer: without it, it is not said whose channels are meant")
        return None
    if len(set(layers)) < len(layers):
        raise Refused(f"-layer ({' '.join(layers)}) names a layer twice")
    if channels is None:
        return Dmask({name: Units() for name in layers})
    indices = dmask.indices(channels)
    if len(layers) == 1:
        return Dmask({layers[0]: Units(indices)})
    if len(layers) != len(indices):
        raise Refused(
            f"-chn ({len(indices)} channels) must be as many as -layer ({len(layers)}): several layers have one channel each"
        )
    return Dmask({name: Units([i]) for name, i in zip(layers, indices, strict=True)})

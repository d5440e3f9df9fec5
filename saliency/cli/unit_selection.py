"""Select units by ``-layer`` and ``-chn``, or by the mask file of ``-dmask``."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import astuple

from saliency.cli.options import CommandError, OptionParser, channel_number, check_distinct
from saliency.io import dmask
from saliency.io.dmask import Dmask, Units


def add_unit_options(parser: OptionParser) -> None:
    """Add the options that select units."""
    parser.add_option("layer", nargs="+", metavar="Layer", help="layers (default: all)")
    parser.add_option(
        "chn",
        type=channel_number,
        nargs="+",
        metavar="Channel",
        help="channels, counting from 1 (default: all); with several layers, one channel per layer",
    )
    parser.add_option("dmask", metavar="DnnMask", help="a .dmask.csv file of layers, channels, rows and columns")


def selected_units(options: argparse.Namespace) -> Dmask | None:
    """Return the mask of ``-layer`` and ``-chn``, or of ``-dmask``; None for all layers.

    Raises:
        CommandError: if the options contradict each other.
        ValueError, OSError: if the mask file cannot be read.
    """
    if options.dmask is None:
        return _units_of_layers(options.layer, options.chn)
    if options.layer or options.chn:
        raise CommandError("-dmask cannot be combined with -layer or -chn")
    return dmask.read(options.dmask)


def check_units(options: argparse.Namespace, mask: Dmask, shapes: Mapping[str, Sequence[int]]) -> None:
    """Check that the layers have the units of a mask.

    Args:
        options: options of the command, from which the mask was made.
        mask: the mask.
        shapes: layer -> its numbers of channels, rows and columns.

    Raises:
        CommandError: if a number is too large; the message counts from 1, as users do.
    """
    for name, units in mask.layers.items():
        for axis, numbers, n in zip(dmask.AXIS_FIELDS.values(), astuple(units), shapes[name], strict=True):
            if numbers is not None and max(numbers) >= n:
                option = "-chn" if options.dmask is None else f"{options.dmask}: {axis.removesuffix('s')}"
                number = max(dmask.numbers(numbers))
                raise CommandError(f"{option} (={number}) must be between 1 and {n}: {name} has {n} {axis}")


def _units_of_layers(layers: Sequence[str] | None, channels: Sequence[int] | None) -> Dmask | None:
    if layers is None:
        if channels is not None:
            raise CommandError("-chn needs -layer, the layers of the channels")
        return None
    check_distinct("layer", layers, "layer")
    if channels is None:
        return Dmask({name: Units() for name in layers})
    indices = dmask.indices(channels)
    if len(layers) == 1:
        return Dmask({layers[0]: Units(indices)})
    if len(layers) != len(indices):
        raise CommandError(
            f"-chn ({len(indices)} channels) must match -layer ({len(layers)} layers): with several layers, give one channel "
            "per layer"
        )
    return Dmask({name: Units([i]) for name, i in zip(layers, indices, strict=True)})

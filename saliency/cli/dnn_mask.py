"""``dnn_mask``: take layers, channels, rows and columns of interest out of an activation file."""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

from saliency.cli.command import carry_out
from saliency.cli.options import Parser, Refused, channel
from saliency.io import act, dmask, stim
from saliency.io.dmask import Dmask, Units

DESCRIPTION = """Take the units of interest out of a file of activations:
those of layers and channels, or those of a mask."""
EXAMPLE = """examples:
  dnn_mask -act test.act.h5 -layer conv5 -chn 1 2 3 -out conv5.act.h5
  dnn_mask -act test.act.h5 -layer conv5 fc3 -chn 2 9 -out two.act.h5
      (channel 2 of conv5, channel 9 of fc3)
  dnn_mask -act test.act.h5 -dmask test.dmask.csv -out masked.act.h5

exit status: 0 all done, 2 refused and nothing written"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: its arguments; None takes the process's own.

    Returns:
        Exit status: 0 all done, 2 refused, 130 interrupted.
    """
    return carry_out("dnn_mask", _run, argv, "nothing was written")


def _run(arguments: list[str]) -> int:
    options = _parser().parse(arguments)
    if options.dmask is not None and (options.layer or options.chn):
        raise Refused("-dmask and -layer, -chn are two ways of saying the same; give one of them")
    _check_output(Path(options.out))
    mask = _by_layers(options.layer, options.chn) if options.dmask is None else dmask.read(options.dmask)
    activation = act.read(options.act, None if mask is None else mask.layers)
    if not activation.layers:
        raise Refused(f"-act ({options.act}) holds no layers")
    if mask is None:
        mask = Dmask({name: Units() for name in activation.layers})
    if options.stim is not None:
        _check_stimuli(options.stim, options.act, activation)
    _check_units(options.dmask or "-chn", mask, activation)
    act.write(activation.mask(mask), options.out)
    return 0


def _by_layers(layers: Sequence[str] | None, channels: Sequence[int] | None) -> Dmask | None:
    if layers is None:
        if channels is not None:
            raise Refused("-chn needs -layer: without it, it is not said whose channels are meant")
        return None
    if len(set(layers)) < len(layers):
        raise Refused(f"-layer ({' '.join(layers)}) names a layer twice")
    if channels is None:
        return Dmask({name: Units() for name in layers})
    chosen = dmask.indices(channels)
    if len(layers) == 1:
        return Dmask({layers[0]: Units(chosen)})
    if len(layers) != len(chosen):
        raise Refused(
            f"-chn ({len(chosen)} channels) must be as many as -layer ({len(layers)}): several layers have one channel each"
        )
    return Dmask({name: Units([i]) for name, i in zip(layers, chosen, strict=True)})


def _check_output(out: Path) -> None:
    """Check the output's name and folder before any work."""
    if not out.name.endswith(act.SUFFIX) or out.is_dir():
        raise Refused(f"-out ({out}) must be a file whose name ends in {act.SUFFIX}")
    try:
        with tempfile.NamedTemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise Refused(f"-out ({out}) cannot be written: {out.absolute().parent}: {error.strerror}") from None


def _check_stimuli(file: str, source: str, activation: act.Activation) -> None:
    n = len(stim.read(file))
    for name, layer in activation.layers.items():
        if layer.shape[0] != n:
            raise Refused(f"-stim ({file}) has {n} stimuli; {name} in {source} has {layer.shape[0]}")


def _check_units(where: str, mask: Dmask, activation: act.Activation) -> None:
    """Check the numbers as their user counts them, from 1."""
    for name, units in mask.layers.items():
        shape = activation[name].shape[1:]
        for axis, chosen, n in zip(dmask.AXES.values(), astuple(units), shape, strict=True):
            if chosen is not None and max(chosen) >= n:
                number = max(dmask.numbers(chosen))
                raise Refused(f"{where} (={number}) must be one of the {axis} of {name}, which run from 1 to {n}")


def _parser() -> Parser:
    parser = Parser(prog="dnn_mask", description=DESCRIPTION, epilog=EXAMPLE)
    parser.option("act", required=True, metavar="Activation", help="the activations, a .act.h5 file")
    parser.option("layer", nargs="+", metavar="Layer", help="layers (default: all)")
    parser.option(
        "chn",
        type=channel,
        nargs="+",
        metavar="Channel",
        help="channels, counting from 1 (default: all); one for each of several layers",
    )
    parser.option("dmask", metavar="DnnMask", help="a .dmask.csv file of layers, channels, rows and columns")
    parser.option("stim", metavar="Stimulus", help="a .stim.csv file; it must have as many stimuli as the activations")
    parser.option("out", required=True, metavar="Output", help="a .act.h5 file, which may be that of -act")
    parser.option("debug", action="store_true", help="show the whole traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())

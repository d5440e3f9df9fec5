"""``dnn_mask``: take layers, channels, rows and columns of interest out of an activation file."""

import sys
from collections.abc import Sequence
from pathlib import Path

from saliency.cli import unit_selection
from saliency.cli.activation_files import check_output
from saliency.cli.command import carry_out
from saliency.cli.options import Parser, Refused
from saliency.io import act, stim
from saliency.io.dmask import Dmask, Units

DESCRIPTION = """Take the units of interest out of a file of activations:
those of layers and channels, or those of a mask."""
USAGE = """dnn_mask -act Activation -out Output [-layer Layer ...]
                [-chn Channel ...] [option ...]"""
EXAMPLE = """examples, of activations of the embedded network:
  dnn_act -net DemoNet -layer conv6 fc1 \\
      -stim saliency/demo/scenes.stim.csv -out both.act.h5
  dnn_mask -act both.act.h5 -layer conv6 -chn 1 2 3 -out conv6.act.h5
  dnn_mask -act both.act.h5 -layer conv6 fc1 -chn 2 9 -out two.act.h5
(the last one: channel 2 of conv6, channel 9 of fc1; -dmask FILE in place of
-layer and -chn takes rows and columns too)

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
    check_output(Path(options.out))
    mask = unit_selection.chosen(options)
    activation = act.read(options.act, None if mask is None else mask.layers)
    if not activation.layers:
        raise Refused(f"-act ({options.act}) holds no layers")
    if mask is None:
        mask = Dmask({name: Units() for name in activation.layers})
    if options.stim is not None:
        _check_stimuli(options.stim, options.act, activation)
    unit_selection.check(options, mask, {name: layer.shape[1:] for name, layer in activation.layers.items()})
    act.write(activation.mask(mask), options.out)
    return 0


def _check_stimuli(file: str, source: str, activation: act.Activation) -> None:
    n = len(stim.read(file))
    for name, layer in activation.layers.items():
        if layer.shape[0] != n:
            raise Refused(f"-stim ({file}) has {n} stimuli; {name} in {source} has {layer.shape[0]}")


def _parser() -> Parser:
    parser = Parser(prog="dnn_mask", usage=USAGE, description=DESCRIPTION, epilog=EXAMPLE)
    parser.option("act", required=True, metavar="Activation", help="the activations, a .act.h5 file")
    unit_selection.unit_options(parser)
    parser.option("stim", metavar="Stimulus", help="a .stim.csv file; it must have as many stimuli as the activations")
    parser.option("out", required=True, metavar="Output", help="a .act.h5 file, which may be that of -act")
    parser.option("debug", action="store_true", help="show the whole traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())

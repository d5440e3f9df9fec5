"""``dnn_act``: extract the activation of a network's layers to pictures."""

import sys
from collections.abc import Sequence

from saliency.cli.command import carry_out
from saliency.cli.network import network_options
from saliency.cli.options import Parser
from saliency.cli.stimuli import stimulus_options
from saliency.cli.unit_selection import unit_options
from saliency.io.pooling import POOLS

DESCRIPTION = """Extract the activation of a network's layers to pictures:
of all units, of channels, or of those of a mask."""
USAGE = """dnn_act -net Net -stim Stimulus -out Output [-layer Layer ...]
               [-chn Channel ...] [option ...]"""
EXAMPLE = """examples, with the embedded network and its pictures:
  dnn_act -net DemoNet -layer conv6 fc1 \\
      -stim saliency/demo/scenes.stim.csv -out scenes.act.h5
  dnn_act -net DemoNet -layer conv6 -chn 1 2 3 -pool max \\
      -stim saliency/demo/scenes.stim.csv -out three.act.h5

exit status: 0 all done, 1 some pictures failed (see *_errors.csv),
             2 refused and nothing written"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: its arguments; None takes the process's own.

    Returns:
        Exit status: 0 all done, 1 some pictures failed, 2 refused, 130 interrupted.
    """
    return carry_out("dnn_act", _run, argv, "the same command goes on from what is finished")


def _run(arguments: list[str]) -> int:
    options = _parser().parse(arguments)
    from saliency.cli.activation_run import run

    return run(options)


def _parser() -> Parser:
    parser = Parser(prog="dnn_act", usage=USAGE, description=DESCRIPTION, epilog=EXAMPLE)
    network_options(parser)
    parser.option("cuda", dest="device", action="store_const", const="cuda", help="the same as -device cuda")
    unit_options(parser)
    stimulus_options(parser)
    parser.option("pool", choices=tuple(POOLS), help="make one number of each channel's rows and columns (default: keep them)")
    parser.option("out", required=True, metavar="Output", help="a .act.h5 file")
    parser.option("overwrite", action="store_true", help="replace files that are there already")
    parser.option("debug", action="store_true", help="show the whole traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())

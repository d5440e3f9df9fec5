"""``saliency report``: one HTML page of pictures and their saliency maps, to be looked through."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from saliency.cli.command import carry_out
from saliency.cli.methods import METHODS
from saliency.cli.network import network_options
from saliency.cli.options import Parser, Refused, channel, count
from saliency.cli.page.method_options import method_setting
from saliency.cli.stimuli import stimulus_options

SIZES = range(32, 513)
DESCRIPTION = """Make one HTML page of pictures and their saliency maps: a row for each
stimulus, a column for each channel and method, to be sorted and looked through.
It opens from the disk in any browser and fetches nothing."""
USAGE = """saliency report -net Net -layer Layer -chn Channel ... -stim Stimulus
                       -out Output [option ...]"""
EXAMPLE = """example, with the embedded network and its pictures:
  saliency report -net DemoNet -layer fc1 -chn 4 8 -meth guided gradcam \\
      -smooth 10 -stim saliency/demo/scenes.stim.csv -out scenes.html
(channels count from 1: channels 4 and 8 of fc1 answer for the digits 3 and 7)

exit status: 0 all done, 1 some pictures failed (their rows say why),
             2 refused and nothing written"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: its arguments; None takes the process's own.

    Returns:
        Exit status: 0 all done, 1 some pictures failed, 2 refused, 130 interrupted.
    """
    return carry_out("saliency report", _run, argv, "the same command goes on from what is finished")


def _run(arguments: list[str]) -> int:
    options = _parse(arguments)
    from saliency.cli.page.run import run

    return run(options)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    options = _parser().parse(arguments)
    for name in ("chn", "meth"):
        given = getattr(options, name)
        if len(set(given)) < len(given):
            raise Refused(f"-{name} ({' '.join(map(str, given))}) names a {'channel' if name == 'chn' else 'method'} twice")
    if options.size not in SIZES:
        raise Refused(f"-size (={options.size}) must be {SIZES[0]} to {SIZES[-1]} pixels")
    options.out = Path(options.out)
    return options


def _parser() -> Parser:
    parser = Parser(prog="saliency report", usage=USAGE, description=DESCRIPTION, epilog=EXAMPLE)
    network_options(parser)
    parser.option("layer", required=True, metavar="Layer", help="layer of the channels, such as conv1, fc1, features.3")
    parser.option("chn", required=True, type=channel, nargs="+", metavar="Channel", help="channels, counting from 1")
    stimulus_options(parser)
    told = f"one or several of {', '.join(METHODS)} (default: guided)"
    parser.option("meth", choices=tuple(METHODS), default=["guided"], nargs="+", metavar="Method", help=told)
    told = "options of the methods: ig.x_steps=50 of one, layer=conv6 of each that has it"
    parser.option("set", type=method_setting, nargs="+", default=[], metavar="[METHOD.]NAME=VALUE", help=told)
    parser.option("smooth", type=count, metavar="N", help="beside each map its mean over N noisy copies of the picture")
    told = "draw maps with their sign, for and against, or only how much counts (default: signed)"
    parser.option("mode", choices=("signed", "strength"), default="signed", help=told)
    parser.option("size", type=count, default=128, metavar="N", help="longer side of a thumbnail in pixels (default: 128)")
    parser.option("out", required=True, metavar="Output", help="an .html file")
    parser.option("overwrite", action="store_true", help="replace a file that is there already")
    parser.option("debug", action="store_true", help="show the whole traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""``dnn_saliency``: find the parts of pictures that contribute to the activation of a layer's channels."""

import argparse
import os
import sys
from collections.abc import Sequence

from saliency.cli.command import carry_out
from saliency.cli.methods import COLOURED, METHODS, split
from saliency.cli.network import network_options
from saliency.cli.options import Parser, Refused, channel, count, finite, setting
from saliency.cli.run_log import say
from saliency.cli.stimuli import stimulus_options

DESCRIPTION = """Find the parts of pictures that contribute to the activation of channels,
and draw a row of stimuli and a row of saliency images for each channel."""
USAGE = """dnn_saliency -net Net -layer Layer -chn Channel ... -stim Stimulus
                    (-out Output, -show or both) [option ...]"""
EXAMPLE = """example, with the embedded network and its pictures:
  dnn_saliency -net DemoNet -layer fc1 -chn 4 8 \\
      -stim saliency/demo/scenes.stim.csv -out figures
(channels count from 1: channels 4 and 8 of fc1 answer for the digits 3 and 7)

exit status: 0 all done, 1 some pictures failed (see *_errors.csv),
             2 refused and nothing written"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: its arguments; None takes the process's own.

    Returns:
        Exit status: 0 all done, 1 some pictures failed, 2 refused, 130 interrupted.
    """
    return carry_out("dnn_saliency", _run, argv, "the same command goes on from what is finished")


def _run(arguments: list[str]) -> int:
    options = _parse(arguments)
    from saliency.cli.saliency_run import SaliencyRun

    return SaliencyRun.prepare(options).run()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    options = _parser().parse(arguments)
    _check_output(options)
    if len(set(options.chn)) < len(options.chn):
        raise Refused(f"-chn ({' '.join(map(str, options.chn))}) names a channel twice")
    options.set = dict(options.set)
    split(options.meth, options.set, options.smooth)
    _check_scale(options)
    return options


def _check_output(options: argparse.Namespace) -> None:
    if not options.show and options.out is None:
        raise Refused("nothing to do: give -out DIR to save the figures, or -show to see them, or both")
    if options.out == "":
        raise Refused("-out must be a folder; its name is empty")
    if options.out is not None and os.path.isfile(options.out):  # noqa: PTH113 - for a name of any length
        raise Refused(f"-out ({options.out}) must be a folder; it is a file")
    if options.save is not None and options.out is None:
        raise Refused(f"-save {options.save} needs -out DIR, the folder of the maps")


def _check_scale(options: argparse.Namespace) -> None:
    """Check what sets the colours of gray images, and forget it where there are none."""
    if options.vmin is not None and options.vmax is not None and options.vmin >= options.vmax:
        raise Refused(f"-vmin (={options.vmin}) must be less than -vmax (={options.vmax})")
    if options.mode == "RGB" and options.meth in COLOURED:
        if options.units:
            raise Refused("-units needs -mode gray: a map with colours has no scale that a colour bar could show")
        unused = [f"-{name}" for name in ("cmap", "vmin", "vmax") if getattr(options, name) is not None]
        if unused:
            say(f"dnn_saliency: note: not used, as they are for -mode gray: {', '.join(unused)}")
        options.cmap = options.vmin = options.vmax = None
    options.cmap = options.cmap or "coolwarm"


def _parser() -> Parser:
    parser = Parser(prog="dnn_saliency", usage=USAGE, description=DESCRIPTION, epilog=EXAMPLE)
    network_options(parser)
    parser.option("layer", required=True, metavar="Layer", help="layer of the channels, such as conv1, fc1, features.3")
    parser.option("chn", required=True, type=channel, nargs="+", metavar="Channel", help="channels, counting from 1")
    stimulus_options(parser)
    told = f"{', '.join(METHODS)} (default: guided)"
    parser.option("meth", choices=tuple(METHODS), default="guided", metavar="Method", help=told)
    told = "options of the method, such as x_steps=50"
    parser.option("set", type=setting, nargs="+", default=[], metavar="NAME=VALUE", help=told)
    parser.option("smooth", type=count, metavar="N", help="average each map over N noisy copies of the picture (SmoothGrad)")
    _drawing(parser)
    parser.option("show", action="store_true", help="show the figures")
    parser.option("out", metavar="Output", help="folder where the figures are saved; made if it is not there")
    parser.option("save", choices=("npz", "h5"), help="save the maps as numbers too: a file a figure, or one file of all")
    parser.option("overwrite", action="store_true", help="replace files that are there already")
    parser.option("debug", action="store_true", help="show the whole traceback of an error")
    return parser


def _drawing(parser: Parser) -> None:
    parser.option(
        "mode",
        choices=("RGB", "gray"),
        default="RGB",
        help="RGB shows the gradient's colours, gray the largest of the three (default: RGB)",
    )
    parser.option("cmap", metavar="Colormap", help="matplotlib colours of gray images (default: coolwarm)")
    parser.option("vmin", type=finite, metavar="Vmin", help="lower end of the colours, on the images' scale of 0 to 255")
    parser.option("vmax", type=finite, metavar="Vmax", help="upper end of it (default of both: each image's own)")
    parser.option("units", action="store_true", help="gray images in the method's units, with a colour bar; -vmin, -vmax too")


if __name__ == "__main__":
    sys.exit(main())

"""``dnn_saliency``: find the parts of images that contribute to the activation of a layer's channels."""

import argparse
import os
import sys
from collections.abc import Sequence

from saliency.cli.channels import add_channel_options
from saliency.cli.command_runner import run_command
from saliency.cli.engine_options import add_engine_options, check_engine_options, yield_processors
from saliency.cli.methods import COLOR_METHODS, METHODS, method_name, split_settings
from saliency.cli.network import add_network_options
from saliency.cli.options import CommandError, OptionParser, check_distinct, finite_number, name_value, positive_integer
from saliency.cli.run_log import print_message
from saliency.cli.stimuli import add_stimulus_options

DESCRIPTION = """Find the parts of images that contribute to the activation of channels. Draw
a row of stimuli, and a row of saliency images for each channel."""
USAGE = """dnn_saliency -net Net -stim Stimulus (-out Output, -show or both)
                    [-layer Layer] [-chn Channel ...] [option ...]"""
EXAMPLE = """examples, with the bundled network and its images:
  dnn_saliency -net DemoNet -layer fc1 -chn 4 8 \\
      -stim saliency/demo/scenes.stim.csv -out figures
  dnn_saliency -net DemoNet -chn top target top-target \\
      -stim saliency/demo/scenes.stim.csv -out classes
(channels count from 1: channels 4 and 8 of fc1 are the digits 3 and 7)

exit status: 0 success, 1 some images failed (see *_errors.csv),
             2 invalid option or input (nothing written), 130 interrupted,
             143 terminated"""


READABLE = {"percentile": 99.0, "overlay": False, "format": "jpg", "dpi": 100}
"""Options of the figures that DNNBrain does not have, and their default values."""

MIN_DPI, MAX_DPI = 20, 600


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the given arguments (None: those of the process) and return its exit status."""
    return run_command("dnn_saliency", _run, argv, "run the same command again to resume")


def _run(arguments: list[str]) -> int:
    options = _parse(arguments)
    yield_processors(options)
    from saliency.cli.saliency_run import run

    return run(options)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    options = _parser().parse(arguments)
    _check_output(options)
    check_engine_options(options)
    check_distinct("chn", options.chn or (), "channel")
    options.set = dict(options.set)
    split_settings(options.meth, options.set, options.smooth)
    _check_color_scale(options)
    return options


def _check_output(options: argparse.Namespace) -> None:
    if not options.show and options.out is None:
        raise CommandError("nothing to do: use -out DIR to save the figures, -show to show them, or both")
    if options.out is not None and (options.out == "" or "\0" in options.out):
        problem = "is empty" if options.out == "" else f"{options.out!r} contains a NUL character"
        raise CommandError(f"-out must be a folder, but its name {problem}")
    if options.out is not None and os.path.isfile(options.out):
        raise CommandError(f"-out ({options.out}) must be a folder, but it is a file")
    if options.save is not None and options.out is None:
        raise CommandError(f"-save {options.save} needs -out DIR, the folder of the maps")


def _check_color_scale(options: argparse.Namespace) -> None:
    """Check the options of the color map; if the maps are drawn in RGB, print that they are ignored and reset them."""
    if options.vmin is not None and options.vmax is not None and options.vmin >= options.vmax:
        raise CommandError(f"-vmin (={options.vmin}) must be less than -vmax (={options.vmax})")
    if options.mode == "RGB" and options.meth in COLOR_METHODS:
        if options.units:
            raise CommandError("-units needs -mode gray: an RGB map has no color scale for a color bar")
        unused = [f"-{name}" for name in ("cmap", "vmin", "vmax") if getattr(options, name) is not None]
        if unused:
            print_message(f"dnn_saliency: note: ignored without -mode gray: {', '.join(unused)}")
        options.cmap = options.vmin = options.vmax = None
    _check_drawing(options)


def _check_drawing(options: argparse.Namespace) -> None:
    """Check the options of the figures; ``-dnnbrain`` sets those that give DNNBrain's figures."""
    if not 0 < options.percentile <= 100:
        raise CommandError(f"-percentile (={options.percentile:g}) must be above 0, and at most 100")
    if not MIN_DPI <= options.dpi <= MAX_DPI:
        raise CommandError(f"-dpi (={options.dpi}) must be from {MIN_DPI} to {MAX_DPI}")
    if options.overlay and options.units:
        raise CommandError("-overlay draws colors over the image, which have no color bar: leave out -units")
    if options.dnnbrain:
        changed = [name for name, default in READABLE.items() if getattr(options, name) != default]
        if changed:
            raise CommandError(f"-dnnbrain draws DNNBrain's figures; leave out {', '.join(f'-{name}' for name in changed)}")
        options.percentile = 100.0


def _parser() -> OptionParser:
    parser = OptionParser(prog="dnn_saliency", usage=USAGE, description=DESCRIPTION, epilog=EXAMPLE)
    add = parser.add_option
    add_network_options(parser)
    add_channel_options(parser)
    add_stimulus_options(parser)
    methods = f"method (default: guided): {', '.join(METHODS)}"
    add("meth", type=method_name, default="guided", metavar="Method", help=methods)
    add("set", type=name_value, nargs="+", default=[], metavar="NAME=VALUE", help="options of the method, such as x_steps=50")
    add("smooth", type=positive_integer, metavar="N", help="average each map over N noisy copies of the image (SmoothGrad)")
    _add_drawing_options(parser)
    add("show", action="store_true", help="show the figures")
    add("out", metavar="Output", help="folder to save the figures in; created if necessary")
    add("save", choices=("npz", "h5"), help="also save the maps as numbers: npz, one file per figure; h5, one file for all")
    jobs = "also start N processes, which read images and draw figures while the network computes"
    add_engine_options(parser, jobs)
    add("overwrite", action="store_true", help="replace existing files")
    parser.add_debug_option()
    return parser


def _add_drawing_options(parser: OptionParser) -> None:
    add = parser.add_option
    add(
        "mode",
        choices=("RGB", "gray"),
        default="RGB",
        help="RGB: the magnitudes of the color channels; gray: the largest of them, in a color map (default: RGB)",
    )
    add("cmap", metavar="Colormap", help="Matplotlib color map (default: inferno, or coolwarm for signed maps)")
    add("vmin", type=finite_number, metavar="Vmin", help="lower limit of the color map, on the images' scale of 0 to 255")
    add("vmax", type=finite_number, metavar="Vmax", help="upper limit of the color map (default of both: each image's own)")
    add(
        "percentile",
        type=finite_number,
        default=99.0,
        metavar="P",
        help="percentile that is drawn brightest (default: 99)",
    )
    add("overlay", action="store_true", help="draw the maps over their images")
    add("dnnbrain", action="store_true", help="draw figures as DNNBrain does: full range, coolwarm, images in their own size")
    add("format", choices=("jpg", "png", "pdf", "svg"), default="jpg", help="format of the figures (default: jpg)")
    add(
        "dpi",
        type=positive_integer,
        default=100,
        metavar="N",
        help="pixels per inch, for 10 inches of width (default: 100)",
    )
    add("units", action="store_true", help="draw gray images, -vmin and -vmax in the method's units, with a color bar")


if __name__ == "__main__":
    sys.exit(main())

"""``saliency report``: write one HTML page for browsing images and their saliency maps."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from saliency.cli.channels import add_channel_options
from saliency.cli.command_runner import run_command
from saliency.cli.engine_options import add_engine_options, check_engine_options, yield_processors
from saliency.cli.methods import METHODS, method_name
from saliency.cli.metric_names import METRICS, add_metric_options
from saliency.cli.network import add_network_options
from saliency.cli.options import CommandError, OptionParser, check_distinct, positive_integer
from saliency.cli.report.columns import SIGNED, STRENGTH
from saliency.cli.report.method_options import parse_method_setting
from saliency.cli.stimuli import add_stimulus_options

SIZES = range(32, 513)
DESCRIPTION = """Write one HTML page for browsing images and their saliency maps, with one row
per stimulus and one column per channel and method. A row shows the class in the
stimulus file and the network's prediction. The page opens from disk in any
browser and loads nothing else."""
USAGE = """saliency report -net Net -stim Stimulus -out Output [-layer Layer]
                       [-chn Channel ...] [option ...]"""
EXAMPLE = """examples, with the bundled network and its images:
  saliency report -net DemoNet -layer fc1 -chn 4 8 -meth guided gradcam \\
      -smooth 10 -stim saliency/demo/scenes.stim.csv -out scenes.html
  saliency report -net DemoNet -chn top target -wrong \\
      -stim saliency/demo/scenes.stim.csv -out wrong.html
(channels count from 1: channels 4 and 8 of fc1 are the digits 3 and 7)

exit status: 0 success, 1 some images failed (their rows show the reason),
             2 invalid option or input (nothing written), 130 interrupted,
             143 terminated"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the given arguments (None: those of the process) and return its exit status."""
    return run_command("saliency report", _run, argv, "run the same command again to resume")


def _run(arguments: list[str]) -> int:
    options = _parse(arguments)
    yield_processors(options)
    from saliency.cli.report.run import run

    return run(options)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    options = _parser().parse(arguments)
    check_engine_options(options)
    check_distinct("chn", options.chn or (), "channel")
    check_distinct("meth", options.meth, "method")
    check_distinct("metric", options.metric, "metric")
    check_distinct("mode", options.mode, "mode")
    if options.size not in SIZES:
        raise CommandError(f"-size (={options.size}) must be between {SIZES[0]} and {SIZES[-1]} pixels")
    options.out = Path(options.out)
    return options


def _parser() -> OptionParser:
    parser = OptionParser(prog="saliency report", usage=USAGE, description=DESCRIPTION, epilog=EXAMPLE)
    add = parser.add_option
    add_network_options(parser)
    add_channel_options(parser)
    add_stimulus_options(parser)
    methods = f"one or several methods (default: guided): {', '.join(METHODS)}"
    add("meth", type=method_name, default=["guided"], nargs="+", metavar="Method", help=methods)
    settings = "options of the methods: layer=conv6 for every method that has this option, ig.x_steps=50 for one method"
    add("set", type=parse_method_setting, nargs="+", default=[], metavar="[METHOD.]NAME=VALUE", help=settings)
    smooth = "also show the mean of each map over N noisy copies of the image (SmoothGrad)"
    add("smooth", type=positive_integer, metavar="N", help=smooth)
    add_metric_options(parser, default=[], help=f"also measure each map by metrics (default: none): {', '.join(METRICS)}")
    add("wrong", action="store_true", help="only images whose top class is not that of the stimulus file")
    mode = "draw maps with their sign, only their strength, or both (default: signed)"
    add("mode", choices=(SIGNED, STRENGTH), nargs="+", default=[SIGNED], help=mode)
    add("size", type=positive_integer, default=128, metavar="N", help="longer side of a thumbnail in pixels (default: 128)")
    add_engine_options(parser, "also start N processes, which read images while the network computes")
    add("out", required=True, metavar="Output", help="the .html file to write")
    add("overwrite", action="store_true", help="replace an existing file")
    parser.add_debug_option()
    return parser


if __name__ == "__main__":
    sys.exit(main())

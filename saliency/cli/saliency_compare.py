"""``saliency compare``: compare methods by metrics on the user's own images, beside controls."""

import argparse
import os
import sys
from collections.abc import Sequence

from saliency.cli.channels import add_channel_options
from saliency.cli.command_runner import run_command
from saliency.cli.engine_options import add_engine_options, check_engine_options, yield_processors
from saliency.cli.methods import METHODS, method_name
from saliency.cli.metric_names import METRICS, add_metric_options
from saliency.cli.network import add_network_options
from saliency.cli.options import CommandError, OptionParser, check_distinct, nonnegative_integer, positive_integer
from saliency.cli.report.method_options import parse_method_setting
from saliency.cli.stimuli import add_stimulus_options

DESCRIPTION = """Measure the maps of several methods on a network and images, beside four
controls that know nothing of the network: random maps, edges, a Gaussian in the
center, and blurred copies of the maps. Writes values.csv (a row per image),
table.csv (means with intervals and ranks), tests.csv, control_tests.csv,
notes.txt and a figure."""
USAGE = """saliency compare -net Net -stim Stimulus -out Output [-meth Method ...]
                        [-metric Metric ...] [option ...]"""
EXAMPLE = """example, with the bundled network and its images:
  saliency compare -net DemoNet -meth guided gradcam \\
      -metric insertion deletion -metric-set insertion.steps=10 \\
      -stim saliency/demo/scenes.stim.csv -out comparison

Metrics of localization need columns of the stimulus file: mask (files of masks,
whose object is not 0, or has the value in a column mask_value), or x0, y0, x1
and y1 (a box in pixels of the image).

exit status: 0 success, 1 some images failed (see errors.csv), 2 invalid option
             or input (nothing written), 130 interrupted, 143 terminated"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the given arguments (None: those of the process) and return its exit status."""
    return run_command("saliency compare", _run, argv, "run the same command again to resume")


def _run(arguments: list[str]) -> int:
    options = _parse(arguments)
    yield_processors(options)
    from saliency.cli.compare.run import ComparisonRun

    return ComparisonRun.prepare(options).run()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    options = _parser().parse(arguments)
    check_engine_options(options)
    check_distinct("chn", options.chn or (), "channel")
    check_distinct("meth", options.meth, "method")
    check_distinct("metric", options.metric, "metric")
    if options.out == "" or "\0" in options.out or os.path.isfile(options.out):
        raise CommandError(f"-out ({options.out!r}) must be a folder")
    return options


def _parser() -> OptionParser:
    parser = OptionParser(prog="saliency compare", usage=USAGE, description=DESCRIPTION, epilog=EXAMPLE)
    add = parser.add_option
    add_network_options(parser)
    add_channel_options(parser)
    add_stimulus_options(parser)
    methods = f"methods: {', '.join(METHODS)} (default: guided)"
    add("meth", type=method_name, default=["guided"], nargs="+", metavar="Method", help=methods)
    settings = "options of the methods: layer=conv6 for every method that has this option, ig.x_steps=50 for one method"
    add("set", type=parse_method_setting, nargs="+", default=[], metavar="[METHOD.]NAME=VALUE", help=settings)
    smooth = "also compare the mean of each map over N noisy copies of the image (SmoothGrad)"
    add("smooth", type=positive_integer, metavar="N", help=smooth)
    metrics = f"metrics (default: insertion deletion): {', '.join(METRICS)}"
    add_metric_options(parser, default=["insertion", "deletion"], help=metrics)
    add("seed", type=nonnegative_integer, default=0, metavar="N", help="seed of everything that is random (default: 0)")
    add_engine_options(parser, "also start N processes, which read images while the network computes")
    add("out", required=True, metavar="Output", help="folder of the results; created if necessary")
    add("format", choices=("png", "pdf", "svg", "jpg"), default="png", help="format of the figure (default: png)")
    add("overwrite", action="store_true", help="replace existing files")
    parser.add_debug_option()
    return parser


if __name__ == "__main__":
    sys.exit(main())

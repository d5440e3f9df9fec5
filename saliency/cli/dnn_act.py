"""``dnn_act``: extract the activations of a network's layers for a set of images."""

import sys
from collections.abc import Sequence

from saliency.cli.command_runner import run_command
from saliency.cli.engine_options import add_engine_options, check_engine_options, yield_processors
from saliency.cli.network import add_network_options
from saliency.cli.options import OptionParser
from saliency.cli.stimuli import add_stimulus_options
from saliency.cli.unit_selection import add_unit_options
from saliency.io.pooling import POOLS

DESCRIPTION = """Extract the activations of a network's layers for a set of images. Select
units by layer and channel, or with a mask file."""
USAGE = """dnn_act -net Net -stim Stimulus -out Output [-layer Layer ...]
               [-chn Channel ...] [option ...]"""
EXAMPLE = """examples, with the bundled network and its images:
  dnn_act -net DemoNet -layer conv6 fc1 \\
      -stim saliency/demo/scenes.stim.csv -out scenes.act.h5
  dnn_act -net DemoNet -layer conv6 -chn 1 2 3 -pool max \\
      -stim saliency/demo/scenes.stim.csv -out three.act.h5

exit status: 0 success, 1 some images failed (see *_errors.csv),
             2 invalid option or input (nothing written), 130 interrupted,
             143 terminated"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the given arguments (None: those of the process) and return its exit status."""
    return run_command("dnn_act", _run, argv, "run the same command again to resume")


def _run(arguments: list[str]) -> int:
    options = _parser().parse(arguments)
    check_engine_options(options)
    yield_processors(options)
    from saliency.cli.activation_run import run

    return run(options)


def _parser() -> OptionParser:
    parser = OptionParser(prog="dnn_act", usage=USAGE, description=DESCRIPTION, epilog=EXAMPLE)
    add_network_options(parser)
    parser.add_option("cuda", dest="device", action="store_const", const="cuda", help="same as -device cuda")
    add_unit_options(parser)
    add_stimulus_options(parser)
    parser.add_option("pool", choices=tuple(POOLS), help="reduce each channel's map to one number (default: keep the maps)")
    add_engine_options(parser, "also start N processes, which read images while the network computes")
    parser.add_option("out", required=True, metavar="Output", help="the .act.h5 file to write")
    parser.add_option("overwrite", action="store_true", help="replace existing files")
    parser.add_debug_option()
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""``saliency``: run a subcommand. DNNBrain's commands are separate programs."""

import difflib
import sys
from collections.abc import Sequence
from importlib import import_module

import saliency
from saliency.cli.run_log import print_message

COMMANDS = {
    "report": "write one HTML page of images and their saliency maps",
    "compare": "compare methods by metrics, beside controls",
    "info": "print how the maps or activations of a file were computed",
    "help": "print a page of the documentation",
}
"""Name -> summary of each subcommand. Its module is ``saliency_NAME``."""

USAGE = """usage: saliency COMMAND ...

commands:
{commands}

example, with the bundled network and its images:
  saliency report -net DemoNet -layer fc1 -chn 4 8 \\
      -stim saliency/demo/scenes.stim.csv -out maps.html

Run saliency COMMAND -h for the options of a command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    Args:
        argv: its name and its arguments; None for those of the process.

    Returns:
        The exit status of the subcommand; 2 if there is no such subcommand.
    """
    name, *arguments = list(sys.argv[1:] if argv is None else argv) or ["-h"]
    if name in ("-h", "-help", "--help"):
        print(USAGE.format(commands="\n".join(f"  {name:<10}{summary}" for name, summary in COMMANDS.items())))
        return 0
    if name in ("-version", "--version"):
        print(f"saliency {saliency.__version__}")
        return 0
    if name not in COMMANDS:
        nearest = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.3) or list(COMMANDS)
        print_message(f"saliency: error: unknown command {name}; did you mean {nearest[0]}?")
        return 2
    status: int = import_module(f"saliency.cli.saliency_{name}").main(arguments)
    return status

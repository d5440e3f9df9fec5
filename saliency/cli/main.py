"""``saliency``: a command of commands; those of DNNBrain's have their own names."""

import difflib
import sys
from collections.abc import Sequence
from importlib import import_module

from saliency.cli.run_log import say

COMMANDS = {"report": "one HTML page of pictures and their saliency maps"}
"""Name -> what it makes; its module is ``saliency_NAME``."""

USAGE = """usage: saliency COMMAND ...

{commands}

example, with the embedded network and its pictures:
  saliency report -net DemoNet -layer fc1 -chn 4 8 \\
      -stim saliency/demo/scenes.stim.csv -out maps.html

saliency COMMAND -h shows a command's options."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: its name and its arguments; None takes the process's own.

    Returns:
        Exit status: the command's; 2 where there is no such command.
    """
    name, *arguments = list(sys.argv[1:] if argv is None else argv) or ["-h"]
    if name in ("-h", "-help", "--help"):
        print(USAGE.format(commands="\n".join(f"  {name:<10}{told}" for name, told in COMMANDS.items())))
        return 0
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.3) or list(COMMANDS)
        say(f"saliency: error: {name} is no command; did you mean {near[0]}?")
        return 2
    status: int = import_module(f"saliency.cli.saliency_{name}").main(arguments)
    return status

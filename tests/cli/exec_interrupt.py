"""A command that is terminated while a class is made with ``exec``, as ``dataclasses`` makes classes."""

import signal
import sys

from saliency.cli.command_runner import run_command


def _work(arguments):
    exec("signal.raise_signal(signal.SIGTERM)", {"signal": signal})  # noqa: S102
    return 0


if __name__ == "__main__":
    sys.exit(run_command("command", _work, [], "run it again"))

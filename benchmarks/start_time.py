"""Processor time until a program starts to work: ``python -m benchmarks.start_time [--rounds N]``."""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys

IMPORT, HELP = "import saliency", "from saliency.cli.dnn_saliency import main; main(['-h'])"
MAX_IMPORT, MAX_HELP = 0.05, 0.25
"""The bars in seconds: ``import saliency`` beyond NumPy, and the help of a command."""


def main() -> None:
    """Print the smallest times over the rounds, which other programs disturb least."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start_time", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    codes = ("pass", "import numpy", f"import numpy, sys; {IMPORT}", "from saliency import GradCAM", HELP)
    times = dict.fromkeys(codes, float("inf"))
    for _ in range(rounds):
        for code in codes:  # in turn, so that other load affects all of them
            times[code] = min(times[code], processor_seconds(code))
    empty, numpy, both, method, shown = times.values()
    print("| start | processor time | bar |\n|---|---:|---|")
    print(f"| Python | {empty:.3f} s | |\n| NumPy, beyond Python | {numpy - empty:.3f} s | |")
    print(f"| `import saliency`, beyond NumPy | {both - numpy:.3f} s | {verdict(both - numpy, MAX_IMPORT)} |")
    print(f"| `from saliency import GradCAM`, beyond NumPy | {method - numpy:.3f} s | |")
    print(f"| `dnn_saliency -h` | {shown:.3f} s | {verdict(shown, MAX_HELP)} |")


def processor_seconds(code: str) -> float:
    """Return the processor time of a new Python process that runs the code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False)  # noqa: S603
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def verdict(seconds: float, bar: float) -> str:
    """Return the bar and whether it is met."""
    return f"{bar:.2f} s, {'met' if seconds <= bar else '**missed**'}"


if __name__ == "__main__":
    main()

"""The whole comparison: ``python -m benchmarks [--framework torch|tf|both] [--out FOLDER] [--squeezenet FILE] [...]``."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks import plot, table
from benchmarks.measure import measure
from benchmarks.results import FILE, read


def main() -> None:
    """Measure, and write tables, plots and figures."""
    options = _options()
    if options.framework == "both":
        for framework in ("torch", "tf"):  # a process each: the threads of the one do not wait beside the other's
            subprocess.run([sys.executable, "-m", "benchmarks", *sys.argv[1:], "--framework", framework], check=True)  # noqa: S603
        return
    measure(options)
    runs = read(options.out / FILE)
    (options.out / "table.md").write_text(table.page(runs), encoding="utf-8")
    for run in runs:
        plot.draw(run, options.out / f"{run.framework}.png")
    print(f"\nWritten to {options.out}: {FILE}, table.md and a plot of each framework.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--framework", choices=("torch", "tf", "both"), default="both")
    parser.add_argument("--out", type=Path, default=Path("bench"), metavar="FOLDER", help="of results.json, table.md, plots")
    parser.add_argument("--rounds", type=int, default=15, help="turns of every way at most, at least 3")
    parser.add_argument("--seconds", type=float, default=10.0, help="no further turn ends later, after the first three")
    parser.add_argument(
        "--squeezenet", type=Path, metavar="FILE", help="torchvision's squeezenet1_0: FILE.safetensors, and FILE.keras for tf"
    )
    parser.add_argument("--only", default="", metavar="REGEX", help="rows in whose network, inputs and work it is found")
    parser.add_argument("--cpu", action="store_true", help="count the processor's seconds of all threads, not the clock's")
    return parser.parse_args()


if __name__ == "__main__":
    main()

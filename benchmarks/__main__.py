"""Run all benchmarks: ``python -m benchmarks [--framework torch|tf|both] [--out FOLDER] [--squeezenet FILE] [...]``."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks import full_table, plot
from benchmarks.measure import measure
from benchmarks.results import FILE, read


def main() -> None:
    """Run the benchmarks and write results, tables and plots."""
    options = _options()
    if options.framework == "both":
        for framework in ("torch", "tf"):  # one process each, so that the frameworks' threads do not compete
            subprocess.run([sys.executable, "-m", "benchmarks", *sys.argv[1:], "--framework", framework], check=True)  # noqa: S603
        return
    measure(options)
    runs = read(options.out / FILE)
    (options.out / "table.md").write_text(full_table.full_page(runs), encoding="utf-8")
    for run in runs:
        plot.draw_ratios(run, options.out / f"{run.framework}.png")
    print(f"\nWrote {FILE}, table.md and a plot per framework to {options.out}.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--framework", choices=("torch", "tf", "both"), default="both")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("bench"),
        metavar="FOLDER",
        help="output folder of results.json, table.md and the plots (default: bench)",
    )
    parser.add_argument("--rounds", type=int, default=15, help="maximum number of rounds, at least 3 (default: 15)")
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="time budget of a comparison; three rounds always run (default: 10)"
    )
    parser.add_argument(
        "--squeezenet",
        type=Path,
        metavar="FILE",
        help="weights of torchvision's squeezenet1_0: FILE.safetensors, and FILE.keras for tf",
    )
    parser.add_argument(
        "--only", default="", metavar="REGEX", help="run only the rows that match, such as 'DemoNet x 1, GradCAM'"
    )
    parser.add_argument(
        "--network", action="append", default=[], metavar="NAME", help="build only this network; may be repeated"
    )
    parser.add_argument("--cpu", action="store_true", help="measure processor time of all threads instead of wall time")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""Ratios of times and of memory, as Markdown: ``python -m benchmarks [--framework NAME] [--squeezenet FILE] [...]``."""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import saliency
from benchmarks import memory, table
from benchmarks.subjects import Subject, subjects


def main() -> None:
    """Measure and print."""
    options = _options()
    wanted = options.only.lower()
    found = list(subjects(options.framework, options.squeezenet))
    print(f"saliency {saliency.__version__}, {_machine()}")
    print(f"Ratios of {'processor' if options.cpu else 'wall'} time, run in turn {options.rounds} times: median (quartiles).")
    for remark in import_module(f"benchmarks.{options.framework}.rows").remarks(found):
        print(remark, flush=True)
    print(f"\n{table.HEAD}")
    clock = time.process_time if options.cpu else time.perf_counter
    for subject in found:
        for row in _rows(options.framework, subject, peers=not options.cpu):
            if wanted in f"{subject.name} {row.name} {row.passes}".lower():
                print(table.line(subject.name, row, options.rounds, clock), flush=True)
        if wanted in f"{subject.name} {memory.NAME}".lower() and memory.STATUS.exists():
            print(memory.row(options.framework, subject, options.squeezenet), flush=True)


def _rows(framework: str, subject: Subject, peers: bool) -> Iterator[table.Row]:
    yield from import_module(f"benchmarks.{framework}.rows").rows(subject)
    if framework == "tf" and peers:
        yield from import_module("benchmarks.tf.peers").rows(subject)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--framework", choices=("torch", "tf"), default="torch")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--squeezenet", type=Path, metavar="FILE", help="weights of torchvision's squeezenet1_0; its model (*.keras) for tf"
    )
    parser.add_argument("--only", default="", metavar="NAME", help="rows that have this in their network, method or measure")
    parser.add_argument(
        "--cpu",
        action="store_true",
        help="count the processor's seconds of all threads, not the clock's; no peers, which have processes of their own",
    )
    return parser.parse_args()


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()

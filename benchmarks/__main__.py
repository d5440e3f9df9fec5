"""Ratios of times and of memory, as Markdown: ``python -m benchmarks [--rounds N] [--squeezenet FILE] [--only NAME]``."""

from __future__ import annotations

import argparse
import os
import platform
import time
from pathlib import Path

import torch

import saliency
from benchmarks import memory
from benchmarks.interleaved import compare
from benchmarks.rows import rows
from benchmarks.subjects import subjects


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--squeezenet", type=Path, default=None, metavar="FILE", help="weights of torchvision's squeezenet1_0")
    parser.add_argument("--only", default="", metavar="NAME", help="rows whose network or method has this in its name")
    parser.add_argument("--cpu", action="store_true", help="count the processor's seconds of all threads, not the clock's")
    options = parser.parse_args()
    wanted = options.only.lower()
    print(f"saliency {saliency.__version__}, Torch {torch.__version__}, {torch.get_num_threads()} threads, {_machine()}")
    print(f"Ratios of {'processor' if options.cpu else 'wall'} time, run in turn {options.rounds} times: median (quartiles).")
    print("\n| network | method | bar | ratio | to | which takes |")
    print("|---|---|---:|---|---|---:|")
    clock = time.process_time if options.cpu else time.perf_counter
    for subject in subjects(options.squeezenet):
        for row in rows(subject):
            if wanted in f"{subject.name} {row.name}".lower():
                timed = compare({"bare": row.bare, "ours": row.ours}, options.rounds, clock)
                bar, bare = "" if row.bar is None else f"{row.bar:.2f}", f"{1000 * timed['bare'].seconds:.1f} ms"
                print(f"| {subject.name} | {row.name} | {bar} | {timed['ours']} | {row.passes} | {bare} |", flush=True)
        if wanted in f"{subject.name} {memory.NAME}".lower() and memory.STATUS.exists():
            print(memory.row(subject, options.squeezenet), flush=True)


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()

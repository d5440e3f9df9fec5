"""Time ``dnn_saliency`` on many photographs, with and without ``-jobs``, beside a bare Torch loop.

``python -m benchmarks.many_photographs --pictures FOLDER --squeezenet FILE [--number N] [--jobs N] [--rounds N]``

Each round runs the variants one after the other, in rotating order and in processes of their own. Wall time and the processor
time of all processes are compared within a round, because other load on the machine affects both.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

BASELINE = "dnn_saliency"


class Cost(NamedTuple):
    """The seconds of a run: wall time, and processor time of the process and its children."""

    wall: float
    cpu: float


def write_pictures(source: Path, number: int, folder: Path) -> Path:
    """Write shifted copies of the photographs of a folder; return a stimulus file."""
    photographs = [np.asarray(Image.open(path).convert("RGB")) for path in sorted(source.glob("*.jpg"))]
    (folder / "photographs").mkdir()
    names = [f"{i:04d}.jpg" for i in range(number)]
    for i, name in enumerate(names):
        shifted = np.roll(photographs[i % len(photographs)], (7 * i, 11 * i), axis=(0, 1))
        Image.fromarray(shifted).save(folder / "photographs" / name, quality=90)
    stimuli = folder / "photographs.stim.csv"
    stimuli.write_text("\n".join(["type=image", f"path={folder / 'photographs'}", "data=stimID", *names]), encoding="utf-8")
    return stimuli


def variants(stimuli: Path, weights: Path, jobs: int) -> dict[str, list[str]]:
    """Return the arguments of Python of each variant, without its output folder."""
    options = ["-net", "squeezenet1_0", "-weights", str(weights), "-stim", str(stimuli), "-chn", "top", "-save", "h5"]
    command = ["-m", "tests.torchvision_ops", *options]
    return {
        BASELINE: [*command, "-out"],
        f"dnn_saliency -jobs {jobs}": [*command, "-jobs", str(jobs), "-out"],
        "bare Torch loop": ["-m", "benchmarks.bare_loop", str(stimuli.parent / "photographs"), str(weights)],
    }


def run(arguments: list[str], out: Path) -> Cost:
    """Run a variant in a new process."""
    shutil.rmtree(out, ignore_errors=True)
    start, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, *arguments, str(out)], check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(time.perf_counter() - start, cpu)


def main() -> None:
    """Measure all rounds and print their medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_photographs", description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=Path, required=True, help="folder of .jpg files, which are repeated and shifted")
    parser.add_argument("--squeezenet", type=Path, required=True, help="safetensors file of torchvision's squeezenet1_0")
    parser.add_argument("--number", type=int, default=300, help="number of photographs (default: 300)")
    parser.add_argument("--jobs", type=int, default=2, help="processes beside the command (default: 2)")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds (default: 3)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        chosen = variants(write_pictures(options.pictures, options.number, folder), options.squeezenet, options.jobs)
        costs: dict[str, list[Cost]] = {name: [] for name in chosen}
        for turn in range(options.rounds):
            names = list(chosen)
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                wall, cpu = cost = run(chosen[name], folder / "out")
                costs[name].append(cost)
                print(f"{name}: {wall:.1f} s wall, {cpu:.1f} s processor, load {os.getloadavg()[0]:.1f}", flush=True)
    for name, found in costs.items():
        wall = statistics.median(one.wall / other.wall for one, other in zip(found, costs[BASELINE], strict=True))
        cpu = statistics.median(one.cpu / other.cpu for one, other in zip(found, costs["bare Torch loop"], strict=True))
        print(f"{name}: {wall:.2f} of the wall time of {BASELINE}, {cpu:.2f} of the processor time of the bare loop")


if __name__ == "__main__":
    main()

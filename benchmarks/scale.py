"""The processor time of Ray for each picture, and for each second: 1, 2 and 4 workers; ``python -m benchmarks.scale``.

A network sleeps for the time of a pass, so that the workers need almost no processor and any number fits on a machine. The
same pictures are computed by the same operator in this process, and the difference is what Ray costs. Two parts of it are told
apart: what each picture costs, such as the copies of its map, and what Ray's services cost in each second whether pictures
arrive or not, such as the polling of its scheduler. For this, each number of workers runs twice, with many short passes and
with a few long ones. Other programs on the machine change processor time less than
elapsed time.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import ray
import ray.data
from PIL import Image

import saliency
from benchmarks.processes import processes_of
from saliency import nets
from saliency.ray import Masks

SECONDS = "SALIENCY_PASS_SECONDS"
LONGER = 4
"""A long pass takes as long as this many short ones."""
SKIPPED = 1
"""Number of blocks of each worker before a window begins, and after it ends: workers start and end at different times."""
SIDE = 224
ARGUMENTS = {"method": "Vanilla", "y": 0, "threads": 1}


def short() -> nets.Network:
    """Return a network whose gradient takes a given time."""
    return sleeping(float(os.environ[SECONDS]))


def long() -> nets.Network:
    """Return a network whose gradient takes ``LONGER`` times as long."""
    return sleeping(LONGER * float(os.environ[SECONDS]))


def sleeping(seconds: float) -> nets.Network:
    def forward(x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), -1)[:, :2]

    def vjp(x: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
        time.sleep(seconds * len(x))
        return 1 + x * cotangent[:, :1, None, None]

    return nets.Network("sleeping", saliency.FunctionAdapter(forward, channel_axis=0, vjp=vjp), (SIDE, SIDE))


@dataclass(frozen=True)
class Window:
    """A part of a run.

    Args:
        pictures: number of pictures.
        wall: its elapsed time in seconds.
        own: processor time of the workers, in seconds.
        others: that of this process and all others of Ray.
    """

    pictures: int
    wall: float
    own: float
    others: float


@dataclass(frozen=True)
class Costs:
    """What two windows with different numbers of pictures cost: ms of processor time for each picture, and for each second."""

    own: float
    others: float
    own_background: float
    background: float

    @classmethod
    def of(cls, many: Window, few: Window) -> "Costs":
        """Solve cost = pictures * each + seconds * background for both windows."""
        system = np.array([[many.pictures, many.wall], [few.pictures, few.wall]])
        costs = 1000 * np.linalg.solve(system, [[many.own, many.others], [few.own, few.others]])
        return cls(*map(float, (*costs[0], *costs[1])))


def rows(pictures: int, folder: Path) -> list[dict[str, Any]]:
    file = folder / "picture.jpg"
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE // 8, SIDE // 8, 3), np.uint8)
    Image.fromarray(pixels).resize((SIDE, SIDE)).save(file, quality=90)
    return [{"index": i, "name": str(i), "path": str(file)} for i in range(pictures)]


def batches(table: list[dict[str, Any]], size: int) -> Iterator[dict[str, np.ndarray]]:
    for start in range(0, len(table), size):
        part = table[start : start + size]
        yield {name: np.array([row[name] for row in part], object) for name in part[0]}


def local(options: argparse.Namespace) -> Window:
    """Return the window of a run in this process, after the first batch."""
    masks, done = Masks(**ARGUMENTS, network="benchmarks.scale:short", dtype=options.dtype), 0
    for i, batch in enumerate(batches(rows(options.pictures, options.out), options.batch)):
        if i == 1:
            start = time.perf_counter(), time.process_time()
        done += len(masks(batch)["map"]) * (i > 0)
    return Window(done, time.perf_counter() - start[0], time.process_time() - start[1], 0.0)


def on_ray(network: str, pictures: int, options: argparse.Namespace, workers: int) -> Window:
    """Return the window of a run on Ray, without the first and the last blocks."""
    blocks = -(-pictures // options.block)
    data = ray.data.from_items(rows(pictures, options.out), override_num_blocks=blocks)
    pool = ray.data.ActorPoolStrategy(size=workers)
    words = {**ARGUMENTS, "network": f"benchmarks.scale:{network}", "dtype": options.dtype}
    mapped = data.map_batches(Masks, fn_constructor_kwargs=words, batch_size=options.batch, compute=pool, num_cpus=0.1)
    skipped, done, times = SKIPPED * workers, 0, []
    for i, batch in enumerate(mapped.iter_batches(batch_size=None, prefetch_batches=0)):
        is_inside = skipped <= i < blocks - skipped
        done += len(batch["map"]) * is_inside
        if is_inside or i == skipped - 1:
            times.append((time.perf_counter(), *processor_times()))
    return Window(done, *map(float, np.subtract(times[-1], times[0])))


def processor_times() -> tuple[float, float]:
    """Return the processor time of the workers, and that of this process and all others that it started, in seconds."""
    processes = processes_of(os.getpid())
    workers = sum(one.seconds for one in processes if one.command.startswith("ray::MapWorker"))
    return workers, sum(one.seconds for one in processes) - workers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--pictures", type=int, default=400, help="for each worker")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--block", type=int, default=64, help="rows of a block of Ray, as in read_stimuli")
    parser.add_argument("--pass-ms", type=float, default=50.0)
    parser.add_argument("--dtype", choices=("float32", "float16"), default="float32")
    parser.add_argument("--out", type=Path, default=Path("bench"))
    options = parser.parse_args()
    os.environ |= {SECONDS: str(options.pass_ms / 1000), "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(Path.cwd())}
    options.out.mkdir(exist_ok=True)
    ray.init(num_cpus=max(options.workers) + 1, include_dashboard=False, log_to_driver=False, logging_level="error")
    ray.data.DataContext.get_current().enable_progress_bars = False
    alone = local(options)
    each = 1000 * alone.own / alone.pictures
    print(f"in this process: {each:.2f} ms of processor time for each picture", flush=True)
    found = []
    for workers in options.workers:
        few = workers * options.block * (2 * SKIPPED + 1)
        runs = (("short", max(options.pictures * workers, 2 * few)), ("long", few))
        windows = [on_ray(network, pictures, options, workers) for network, pictures in runs]
        costs = Costs.of(*windows)
        share = 100 * (costs.own - each + costs.others) / options.pass_ms
        print(
            f"{workers} workers, for each picture: {costs.own - each:+.2f} ms in the worker, {costs.others:.2f} ms elsewhere "
            f"({share:.1f} % of a pass); for each second of the job: {costs.own_background + costs.background:.0f} ms",
            flush=True,
        )
        found.append({"workers": workers, "windows": [vars(one) for one in windows], **vars(costs)})
    (options.out / "scale.json").write_text(
        json.dumps({**vars(options), "out": str(options.out), "local": vars(alone), "runs": found}, indent=1)
    )
    ray.shutdown()


if __name__ == "__main__":
    main()

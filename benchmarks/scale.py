"""The overhead of Ray for each picture: 1, 2 and 4 workers with a network of known cost; ``python -m benchmarks.scale``.

The network sleeps for the time of a pass, so that the workers need almost no processor and any number fits on a machine. The
same pictures are computed by the same operator in this process. The difference, for each picture and worker, is what Ray
costs: in elapsed time; in processor time of the worker, which is lost to it; and of Ray's other processes, which schedule.
Other programs on the machine change processor time less than elapsed time.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
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
SIDE = 224
ARGUMENTS = {"network": "benchmarks.scale:sleeping", "method": "Vanilla", "y": 0, "threads": 1}


def sleeping() -> nets.Network:
    """Return a network whose gradient takes a given time."""
    seconds = float(os.environ[SECONDS])

    def forward(x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), -1)[:, :2]

    def vjp(x: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
        time.sleep(seconds * len(x))
        return 1 + x * cotangent[:, :1, None, None]

    return nets.Network("sleeping", saliency.FunctionAdapter(forward, channel_axis=0, vjp=vjp), (SIDE, SIDE))


def rows(pictures: int, folder: Path) -> list[dict[str, Any]]:
    file = folder / "picture.jpg"
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE // 8, SIDE // 8, 3), np.uint8)
    Image.fromarray(pixels).resize((SIDE, SIDE)).save(file, quality=90)
    return [{"index": i, "name": str(i), "path": str(file)} for i in range(pictures)]


def batches(table: list[dict[str, Any]], size: int) -> Iterator[dict[str, np.ndarray]]:
    for start in range(0, len(table), size):
        part = table[start : start + size]
        yield {name: np.array([row[name] for row in part], object) for name in part[0]}


def local(table: list[dict[str, Any]], size: int) -> tuple[float, float]:
    """Return the seconds and the seconds of processor time for each picture, after the first batch."""
    masks, done = Masks(**ARGUMENTS), 0
    for i, batch in enumerate(batches(table, size)):
        if i == 1:
            start = time.perf_counter(), time.process_time()
        done += len(masks(batch)["map"]) * (i > 0)
    return (time.perf_counter() - start[0]) / done, (time.process_time() - start[1]) / done


def on_ray(table: list[dict[str, Any]], size: int, workers: int) -> tuple[float, float, float]:
    """Return the seconds for each picture and worker, and those of processor time of workers and of all else of Ray."""
    data = ray.data.from_items(table, override_num_blocks=-(-len(table) // size))
    pool = ray.data.ActorPoolStrategy(size=workers)
    mapped = data.map_batches(Masks, fn_constructor_kwargs=ARGUMENTS, batch_size=size, compute=pool, num_cpus=0.1)
    skipped, done, start = 2 * workers, 0, (0.0, 0.0, 0.0)
    for i, batch in enumerate(mapped.iter_batches(batch_size=None, prefetch_batches=0)):
        if i == skipped:
            start = time.perf_counter(), *processor_times()
        done += len(batch["map"]) * (i > skipped)
        end = time.perf_counter(), *processor_times()  # the workers end with the job
    wall, own, others = ((late - early) / done for early, late in zip(start, end, strict=True))
    return wall * workers, own, others


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
    parser.add_argument("--pass-ms", type=float, default=50.0)
    parser.add_argument("--out", type=Path, default=Path("bench"))
    options = parser.parse_args()
    os.environ |= {SECONDS: str(options.pass_ms / 1000), "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(Path.cwd())}
    options.out.mkdir(exist_ok=True)
    ray.init(num_cpus=max(options.workers) + 1, include_dashboard=False, log_to_driver=False, logging_level="error")
    ray.data.DataContext.get_current().enable_progress_bars = False
    wall, cpu = local(rows(options.pictures, options.out), options.batch)
    print(f"in this process: {1000 * wall:.1f} ms, {1000 * cpu:.2f} ms of processor time for each picture", flush=True)
    found = [{"workers": 0, "ms": 1000 * wall, "processor_ms": 1000 * cpu}]
    for workers in options.workers:
        each, own, others = on_ray(rows(options.pictures * workers, options.out), options.batch, workers)
        over, share = 1000 * (each - wall), 100 * (own - cpu) * 1000 / options.pass_ms
        times = f"{1000 * (own - cpu):+.2f} ms in the worker ({share:.1f} % of a pass), {1000 * others:.2f} ms elsewhere"
        print(f"{workers} workers: {over:+.1f} ms; of processor time {times}", flush=True)
        found.append({"workers": workers, "ms": 1000 * each, "worker_ms": 1000 * own, "other_ms": 1000 * others})
    (options.out / "scale.json").write_text(
        json.dumps({"pass_ms": options.pass_ms, "batch": options.batch, "runs": found}, indent=1)
    )
    ray.shutdown()


if __name__ == "__main__":
    main()

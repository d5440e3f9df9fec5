"""Kills, memory and a full disk on Ray; ``python -m benchmarks.ray_soak``. Status 1 if anything fell short.

Workers are killed by SIGKILL ten times in a run of 2,000 pictures, whose file must equal that of one process. The memory of
driver and workers must stay flat over 10,000 pictures. A file that cannot grow must end the job with the reason, and be gone.
"""

import argparse
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import ray
import ray.data

import saliency
from benchmarks.processes import memory_of, processes_of
from saliency import nets
from saliency.ray import Masks, write_maps

SIDE = 64
PASS_SECONDS = 0.01
ARGUMENTS = {"network": "benchmarks.ray_soak:network", "method": "Vanilla", "y": 1, "picture": "picture", "threads": 1}


def network() -> nets.Network:
    """Return a network whose gradient takes 10 ms."""
    weights = np.random.default_rng(0).normal(size=(3 * SIDE**2, 4)).astype(np.float32)

    def forward(x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), -1) @ weights

    def vjp(x: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
        time.sleep(PASS_SECONDS * len(x))
        return (cotangent @ weights.T).reshape(x.shape) * (1 + x)

    return nets.Network("soak", saliency.FunctionAdapter(forward, channel_axis=0, vjp=vjp), (SIDE, SIDE))


def picture(i: int) -> np.ndarray:
    return np.random.default_rng(i).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


def maps(n: int, workers: int) -> Any:
    def read(row: dict[str, Any]) -> dict[str, Any]:
        return {"index": row["id"], "name": str(row["id"]), "picture": picture(row["id"])}

    rows = ray.data.range(n, override_num_blocks=max(1, n // 20)).map(read, num_cpus=0.2)
    pool = ray.data.ActorPoolStrategy(min_size=1, max_size=workers)
    return rows.map_batches(Masks, fn_constructor_kwargs=ARGUMENTS, batch_size=20, compute=pool, num_cpus=0.5)


def workers_now() -> list[int]:
    return [one.number for one in processes_of(os.getpid()) if one.command.startswith("ray::MapWorker")]


class Killing:
    """A dataset; a thread kills one of its workers after each tenth of the rows."""

    def __init__(self, data: Any, n: int, kills: int, seed: int) -> None:
        self.data, self.n, self.kills, self.random = data, n, kills, random.Random(seed)
        self.killed = 0

    def iter_batches(self, **words: Any) -> Iterator[Any]:
        """Yield batches as the dataset does."""
        done, due = 0, 0
        for batch in self.data.iter_batches(**words):
            yield batch
            done += len(batch["index"])
            if due < self.kills and done >= (due + 0.5) * self.n / self.kills:
                due += 1
                threading.Timer(self.random.random(), self._kill).start()

    def _kill(self) -> None:
        running = workers_now()
        if running:
            os.kill(self.random.choice(running), signal.SIGKILL)
            self.killed += 1


def check_kills(folder: Path, n: int, kills: int, seed: int) -> bool:
    import h5py

    start, killing = time.perf_counter(), Killing(maps(n, 2), n, kills, seed)
    write_maps(killing, folder / "kills.h5", n)
    masks = Masks(**ARGUMENTS)
    with h5py.File(folder / "kills.h5") as file:
        for i in range(0, n, 20):
            rows = range(i, min(n, i + 20))
            batch = {"name": np.array([str(k) for k in rows], object), "picture": np.stack([picture(k) for k in rows])}
            same = np.array_equal(file["masks"][i : i + len(rows)], masks(batch)["map"])
            if not same:
                print(f"kills: the maps from {i} on differ")
                return False
    print(f"kills: {killing.killed} workers killed in {n} pictures, {time.perf_counter() - start:.0f} s; the same maps")
    return killing.killed >= kills // 2


def check_memory(n: int) -> bool:
    """Compare the largest memory (RSS) of the second and of the last quarter of a run, of the driver and of all workers."""
    done, driver, workers = 0, [], []
    for batch in maps(n, 2).iter_batches(batch_size=20):
        done += len(batch["index"])
        if done % 500 == 0:
            driver.append((done, memory_of([os.getpid()])))
            workers.append((done, max((memory_of([one]) for one in workers_now()), default=0)))
    flat = True
    for name, seen in (("driver", driver), ("largest worker", workers)):
        early = max(size for at, size in seen if n / 4 < at <= n / 2)
        late = max(size for at, size in seen if at > 3 * n / 4)
        sizes = f"{early / 2**20:.0f} MB in the second quarter of {n} pictures, {late / 2**20:.0f} MB in the last"
        print(f"memory of the {name}: {sizes}")
        flat = flat and late <= 1.1 * early + 20 * 2**20
    return flat


def check_full_disk(folder: Path) -> bool:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    data = maps(200, 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, before[1]))
    try:
        write_maps(data, folder / "full.h5", 200)
        print("full disk: no error")
        return False
    except OSError as error:
        left = [path.name for path in folder.iterdir() if "full" in path.name]
        print(f"full disk: {error}; left: {left}")
        return not left
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--memory-pictures", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())}
    words = {"include_dashboard": False, "log_to_driver": False, "logging_level": "error", "object_store_memory": 200 * 2**20}
    ray.init(num_cpus=4, **words)
    ray.data.DataContext.get_current().enable_progress_bars = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good = [check_kills(folder, options.pictures, options.kills, options.seed), check_full_disk(folder)]
        good.append(check_memory(options.memory_pictures))
    ray.shutdown()
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

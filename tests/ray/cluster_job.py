"""Jobs on a cluster of two nodes with one CPU each, in a process of its own: ``python -m tests.ray.cluster_job FOLDER``.

Ray forks to start its processes, which must not happen beside TensorFlow, and keeps threads.
"""

import json
import operator
import sys
import threading
import time
from pathlib import Path

import numpy as np
import ray

import saliency.ray
from saliency.io.picture_options import PictureOptions
from saliency.ray import cluster
from saliency.ray.worker_files import check_files
from tests.cluster_process import started_cluster
from tests.ray.networks import SCENES, N, ending, pictures, png

NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
SYSTEM = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 1000, "health_check_failure_threshold": 5}
"""A node that does not answer for 5 seconds is lost; by default it takes longer."""
LINEAR = {"network": "tests.ray.networks:linear", "method": "Vanilla", "y": 1, "picture": "picture"}


def masks(rows, blocks, pool, **arguments):
    """Return a dataset with maps. A worker needs less than a CPU, so that it runs beside tasks of one."""
    data = rows if isinstance(rows, ray.data.Dataset) else ray.data.from_items(rows, override_num_blocks=blocks)
    words = {"fn_constructor_kwargs": arguments, "batch_size": 4, "num_cpus": 0.4}
    return data.map_batches(saliency.ray.Masks, compute=ray.data.ActorPoolStrategy(min_size=1, max_size=pool), **words)


def scenes(folder, report):
    """Torch, by way of Parquet, which Ray writes."""
    rows = saliency.ray.read_stimuli(SCENES, rows_per_block=3).limit(7)
    masks(rows, None, 1, network="DemoNet", method="Vanilla").write_parquet(str(folder / "parquet"))
    stored = ray.data.read_parquet(str(folder / "parquet")).materialize()
    report["scenes"] = str(saliency.ray.write_maps(stored, folder / "scenes.h5", 7))
    try:
        report["zarr"] = str(saliency.ray.write_maps(stored, folder / "scenes.zarr", 7))
    except ImportError as error:
        report["zarr"] = str(error)


def poison(folder, report):
    """Pictures that fail, among others that do not."""
    rows = pictures(12)
    rows[2]["picture"] = rows[2]["picture"][:48]
    rows[5]["picture"] = png(255)
    rows[7]["picture"], rows[9]["label"], rows[10]["picture"] = png(0, (200, 200)), 77, b""
    reading = PictureOptions(max_pixels=1000)
    data = masks(rows, 3, 1, **LINEAR, target="label", reading=reading, dtype="float16", piece=3)
    found = sorted(data.take_all(), key=lambda row: row["index"])
    report["poison"] = [[row["error"], row["reason"]] for row in found]
    np.save(folder / "poison.npy", np.stack([row["map"] for row in found]))


def lost_node(folder, report, nodes, node):
    """A node is removed while its workers compute."""
    arguments = {**LINEAR, "network": "tests.ray.networks:slow"}
    started = threading.Event()
    counted = masks(pictures(N), N // 2, 2, **arguments)

    def remove():
        started.wait(60)
        nodes.remove_node(node, allow_graceful=False)
        report["removed"] = time.monotonic()

    thread = threading.Thread(target=remove)
    thread.start()

    class Rows:
        def iter_batches(self, **words):
            for batch in counted.iter_batches(**{**words, "batch_size": 2}):
                started.set()
                yield batch
            report["ended"] = time.monotonic()

    saliency.ray.write_maps(Rows(), folder / "lost.h5", N)
    thread.join()


def pieces(report, worker):
    report["pieces"] = []
    try:
        for one in saliency.ray.compute_pieces(
            operator.methodcaller, ("count", "a"), [(1, "a"), (2, ""), (3, "banana"), (4, 5)], worker
        ):
            report["pieces"].append(one)
    except AttributeError as error:
        report["piece_error"] = str(error)


def dying_worker(report, worker):
    """A piece that ends its worker each time, as one that needs too much memory would."""
    restarts, cluster.RESTARTS = cluster.RESTARTS, 1
    try:
        report["dying"] = list(saliency.ray.compute_pieces(ending, (), [(1, 1)], worker))
    except ray.exceptions.RayError as error:
        report["dying"] = type(error).__name__
    cluster.RESTARTS = restarts


def refusals(report, folder):
    here = folder / "here.pt"
    report["refused"] = []
    for call in (
        lambda: saliency.ray.connect(workers=2, gpus_per_worker=1),
        lambda: saliency.ray.connect(workers=2, cpus_per_worker=2),
        lambda: saliency.ray.connect("127.0.0.1:1"),
        lambda: check_files({str(here): {"bytes": 1, "sha256": "0"}}),
        lambda: saliency.ray.Masks(LINEAR["network"]).check(),
        lambda: saliency.ray.Masks("tests.ray.nowhere:linear").check(),
        lambda: saliency.ray.Masks("tests_of_the_driver.networks:linear").check(),
    ):
        try:
            call()
        except saliency.InputError as error:
            report["refused"].append(str(error))


def main(folder):
    times, report = {}, {}
    start = time.monotonic()
    nodes = started_cluster(**NODE, _system_config=SYSTEM)
    node = nodes.add_node(**NODE)
    worker = saliency.ray.connect(nodes.address, workers=1, cpus_per_worker=0.4)
    ray.data.DataContext.get_current().enable_progress_bars = False
    times["start"] = time.monotonic() - start
    jobs = {
        "refusals": lambda: refusals(report, folder),
        "pieces": lambda: pieces(report, worker),
        "dying": lambda: dying_worker(report, worker),
        "poison": lambda: poison(folder, report),
        "scenes": lambda: scenes(folder, report),
        "lost_node": lambda: lost_node(folder, report, nodes, node),
    }
    for name, job in jobs.items():
        if name == "scenes" and "torch" not in sys.argv:
            continue
        start = time.monotonic()
        job()
        times[name] = time.monotonic() - start
        print(name, times[name], flush=True)
    (folder / "report.json").write_text(json.dumps({**report, "times": times}))
    ray.shutdown()
    nodes.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

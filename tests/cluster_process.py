"""Run a module that starts Ray in a process of its own, one at a time on this machine, and start Ray there."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_enable_metrics_collection": "0",
    "RAY_idle_worker_killing_time_threshold_ms": "600000",  # or a worker would start for almost each task
    "RAY_prestart_worker_first_driver": "0",  # workers that no job needs
    "RAY_worker_niceness": "0",  # or other processes would hold up the workers, while Ray's services poll
}
ROOT = Path(__file__).parents[1]


def run_cluster_module(module, folder, *arguments):
    """Run ``python -m MODULE FOLDER ARGUMENTS``; return the folder and what it wrote to ``report.json``."""
    short = tempfile.mkdtemp(prefix="r", dir="/tmp")  # Ray's sockets need a short path
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, **SETTINGS, "RAY_TMPDIR": short, "PYTHONPATH": path}
    command = [sys.executable, "-W", "ignore", "-m", module, str(folder), *arguments]
    try:
        with (Path(tempfile.gettempdir()) / "cluster_of_tests.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # a second Ray would be found by those that look for one
            done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=600)
    finally:
        shutil.rmtree(short, ignore_errors=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return SimpleNamespace(folder=folder, **json.loads((folder / "report.json").read_text()))


def started_cluster(attempts=4, **node):
    """Return a cluster of one node, without Ray's services that no test needs.

    On a busy machine, Ray's processes can take longer to start than the 30 seconds that it gives them.
    """
    from ray.cluster_utils import Cluster

    services = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
    for left in reversed(range(attempts)):
        try:
            return Cluster(initialize_head=True, head_node_args={**services, **node})
        except Exception:
            if not left:
                raise
    return None

"""Run a module that starts Ray in a process of its own, one at a time on this machine."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_enable_metrics_collection": "0", "OMP_NUM_THREADS": "1"}
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

#!/usr/bin/env bash
# Ray 2.60.0: Ray Data does not work through Ray Client (`ray.init("ray://...")`); every dataset ends with an AttributeError.
#
# The executor registers a callback with `ray._private.worker.global_worker.core_worker`, which a process that is connected through the
# client does not have. Tasks and actors work through the client, and other parts of Ray Data have code for it, so most would guess that
# datasets do too. A driver on a machine of the cluster (`ray job submit`, or `host:port`) works.
#
# Output seen (Ray 2.60.0, Python 3.11; a cluster of one CPU):
#   a task: 42; a dataset: AttributeError: 'Worker' object has no attribute 'core_worker'
#
# Exits with 1 if this changes.
set -euo pipefail
folder=$(mktemp -d /tmp/rXXXXXX) # Ray's sockets need a short path
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >driver.py <<'PYTHON'
import sys

import ray
import ray.data

ray.init(f"ray://127.0.0.1:{sys.argv[1]}", log_to_driver=False, logging_level="error")
print("a task:", ray.get(ray.remote(lambda: 6 * 7).remote()), end="; ")
try:
    print("a dataset:", ray.data.range(3).take_all())
except Exception as error:
    print(f"a dataset: {type(error).__name__}: {error}")
PYTHON
cat >cluster.py <<'PYTHON'
import socket
import subprocess
import sys

import ray
from ray.util.client.server.server import serve

ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="error")
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
server = serve("127.0.0.1", port)
driver = subprocess.run([sys.executable, "driver.py", str(port)], capture_output=True, text=True, timeout=120)
print(driver.stdout.strip() or driver.stderr[-2000:])
server.stop(0)
ray.shutdown()
PYTHON
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "ray[client,data]==2.60.0"
export RAY_AUTH_MODE=disabled RAY_USAGE_STATS_ENABLED=0 RAY_TMPDIR="$folder" RAY_worker_niceness=0
found=$(venv/bin/python -W ignore cluster.py 2>/dev/null)
echo "$found"
[ "$found" = "a task: 42; a dataset: AttributeError: 'Worker' object has no attribute 'core_worker'" ]

"""What Ray assigned to this worker."""

import os
import sys


def gpu_is_assigned() -> bool:
    """Return whether Ray gave this worker a GPU; False in any other process."""
    ray = sys.modules.get("ray")
    return ray is not None and ray.is_initialized() and bool(ray.get_gpu_ids())


def cpus_of_worker() -> int:
    """Return the number of CPUs of this worker, at least 1; in any other process, of this machine."""
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return os.cpu_count() or 1
    return max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1)))

"""Connect to a Ray cluster, and check before a job starts that its workers fit there."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from saliency.core.errors import InputError, one_line
from saliency.core.validation import real_number, shown, whole_number
from saliency.ray.cluster_address import ClusterAddress
from saliency.ray.installation import import_ray

TIMEOUT = 30.0
"""Seconds until a cluster must have answered."""

RESTARTS = 20
"""How often Ray starts a worker again that died; by default without end, also if each time the same batch ends it."""

NO_NODE = "No node info found"
"""A part of Ray's error if none of the cluster's nodes is on this machine."""


@dataclass(frozen=True)
class Cluster:
    """The workers of a job on the connected cluster.

    Args:
        workers: number of workers, each a process with a network of its own.
        cpus_per_worker: number of CPUs, and threads, of each worker.
        gpus_per_worker: number of GPUs of each worker.
    """

    workers: int
    cpus_per_worker: float = 1
    gpus_per_worker: float = 0

    @property
    def words(self) -> dict[str, Any]:
        """Ray's arguments of ``Dataset.map_batches``. A pool that may shrink goes on without a node that was lost."""
        pool = import_ray("ray.data").ActorPoolStrategy(min_size=1, max_size=self.workers)
        resources = {"num_cpus": self.cpus_per_worker, "num_gpus": self.gpus_per_worker}
        return {"compute": pool, "max_restarts": RESTARTS, **resources}


def connect(
    address: str | None = None,
    workers: int | None = None,
    gpus_per_worker: float = 0,
    cpus_per_worker: float = 1,
    timeout: float = TIMEOUT,
) -> Cluster:
    """Connect to a Ray cluster, unless this process is connected, and check that the workers fit there.

    Args:
        address: ``host:port`` of a cluster; ``"auto"`` for the cluster that this machine belongs to; None for the cluster that
            this process is connected to, that of ``RAY_ADDRESS`` or of this machine, or a new one on this machine alone.
        workers: number of workers; None for as many as fit.
        gpus_per_worker: number of GPUs of each worker.
        cpus_per_worker: number of CPUs of each worker, which are also its threads.
        timeout: seconds until a cluster at the address must have answered.

    Raises:
        ImportError: if Ray is not installed.
        InputError: if an argument is invalid, or the workers do not fit.
        ConnectionError: if no cluster answers at the address in time.
    """
    ray = import_ray()
    if workers is not None:
        whole_number("workers", workers, least=1)
    for name, number in (("gpus_per_worker", gpus_per_worker), ("cpus_per_worker", cpus_per_worker)):
        if real_number(name, number, least=0) > 1 and number % 1:
            raise InputError(f"`{name}` (={shown(number)}) must be a whole number if it is above 1")
    real_number("timeout", timeout, least=0, excludes_least=True)
    if not ray.is_initialized():
        _connect(ray, address, timeout)
    elif address not in (None, "auto", current := ray.get_runtime_context().gcs_address):
        raise InputError(f"`address` (={shown(address)}): this process is connected to {current}; call ray.shutdown() first")
    return _fitting(ray.nodes(), workers, gpus_per_worker, cpus_per_worker)


def _connect(ray: Any, address: str | None, timeout: float) -> None:
    resolved = ClusterAddress.of(address)
    resolved.check(timeout)
    with _sigterm_handler_kept():
        try:
            local = {"include_dashboard": False} if address is None else {"address": address}
            ray.init(**local, logging_level="warning", log_to_driver=False)
        except ConnectionError as error:
            reason = one_line(error.__cause__ or error)
            if NO_NODE not in reason:
                raise resolved.no_answer(reason) from error
            way_on = "run on one of its machines, such as by `ray job submit`"
            raise ConnectionError(f"{resolved.label}: this machine is not part of the Ray cluster; {way_on}") from error


@contextmanager
def _sigterm_handler_kept() -> Iterator[None]:
    """Restore this process's handler of SIGTERM, which ``ray.init`` replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)


def _fitting(nodes: list[dict[str, Any]], workers: int | None, gpus: float, cpus: float) -> Cluster:
    """Return the workers, if they fit; a worker needs all of its CPUs and GPUs on one machine."""
    resources = [node["Resources"] for node in nodes if node["Alive"]]
    most = sum(_workers_on(one, gpus, cpus) for one in resources)
    if workers is not None and workers <= most:
        return Cluster(workers, cpus, gpus)
    if workers is None and most:
        return Cluster(most, cpus, gpus)
    has = ", ".join(f"{one.get('CPU', 0):g} CPUs and {one.get('GPU', 0):g} GPUs" for one in resources[:4])
    more = f" and {len(resources) - 4} more" if len(resources) > 4 else ""
    each = f"with {gpus:g} GPUs and {cpus:g} CPUs"
    rule = f"no worker {each} fits" if workers is None else f"`workers` (={workers}) {each} each do not fit: {most} do"
    raise InputError(f"{rule}. The machines of the cluster ({len(resources)}) have {has or 'nothing'}{more}")


def _workers_on(resources: dict[str, float], gpus: float, cpus: float) -> int:
    counts = [int(resources.get(name, 0) / each + 1e-9) for name, each in (("GPU", gpus), ("CPU", cpus)) if each]
    return min(counts) if counts else 1

"""Check before a job that every machine of the cluster has the same files as the driver."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from saliency.core.errors import InputError
from saliency.io.checksum import is_intact
from saliency.ray.installation import import_ray

TIMEOUT = 300.0
"""Seconds in which every machine must have read the files."""


def check_files(files: Mapping[str, dict[str, Any]]) -> None:
    """Check that every machine of the connected cluster has files.

    Args:
        files: absolute path of a file -> its checksum.

    Raises:
        InputError: if a machine lacks a file, or has another one at its path.
        ConnectionError: if a machine does not answer.
    """
    if not files:
        return
    ray = import_ray()
    nodes = {node["NodeID"]: node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]}
    task = ray.remote(num_cpus=0)(missing_files)
    on = import_ray("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy
    answers = {node: task.options(scheduling_strategy=on(node, soft=False)).remote(dict(files)) for node in nodes}
    try:
        found = dict(zip(answers, ray.get(list(answers.values()), timeout=TIMEOUT), strict=True))
    except ray.exceptions.RayError as error:
        raise ConnectionError(f"a machine of the cluster did not read {', '.join(files)} in {TIMEOUT:g} seconds") from error
    for node, missing in found.items():
        if missing:
            raise InputError(
                f"{missing[0]} must be the same file on every machine of the cluster; it is missing or different on "
                f"{nodes[node]}: put it into a folder that all machines share"
            )


def missing_files(files: Mapping[str, dict[str, Any]]) -> list[str]:
    """Return the files that this machine lacks, or that have other contents here."""
    return [path for path, checksum in files.items() if not is_intact(Path(path), checksum)]

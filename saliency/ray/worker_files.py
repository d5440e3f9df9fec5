"""Check before a job that every machine of the cluster has the files and the module of the driver."""

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from saliency.core.errors import InputError
from saliency.io.checksum import is_intact
from saliency.ray.cluster import connect
from saliency.ray.installation import import_ray

Result = TypeVar("Result")
TIMEOUT = 300.0
"""Seconds in which every machine must have answered."""


def check_files(files: Mapping[str, dict[str, Any]]) -> None:
    """Check that every machine of the cluster has files; connect to the cluster unless this process is connected.

    Args:
        files: absolute path of a file -> its checksum.

    Raises:
        InputError: if a machine lacks a file, or has another one at its path.
        ConnectionError: if a machine does not answer.
    """
    for machine, missing in _on_each_machine(missing_files, dict(files)) if files else ():
        if missing:
            raise InputError(
                f"{missing[0]} must be the same file on every machine of the cluster; it is missing or different on "
                f"{machine}: put it into a folder that all machines share"
            )


def check_module(name: str) -> None:
    """Check that every machine of the cluster has a module; see ``check_files``.

    Raises:
        InputError: if a machine cannot import it.
        ConnectionError: if a machine does not answer.
    """
    for machine, has_it in _on_each_machine(has_module, name):
        if not has_it:
            raise InputError(
                f"the module {name} must be on every machine of the cluster, but {machine} cannot import it: "
                "install it there, or pass its folder to Ray as `working_dir` of the `runtime_env`"
            )


def _on_each_machine(function: Callable[[Any], Result], argument: Any) -> list[tuple[str, Result]]:
    """Return the name of each machine, and the result of a function there."""
    ray = import_ray()
    if not ray.is_initialized():
        connect()
    nodes = {node["NodeID"]: node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]}
    task = ray.remote(num_cpus=0)(function)
    on = import_ray("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy
    answers = [task.options(scheduling_strategy=on(node, soft=False)).remote(argument) for node in nodes]
    try:
        return list(zip(nodes.values(), ray.get(answers, timeout=TIMEOUT), strict=True))
    except ray.exceptions.RayError as error:
        names = ", ".join([argument] if isinstance(argument, str) else argument)
        raise ConnectionError(f"a machine of the cluster did not check {names} in {TIMEOUT:g} seconds") from error


def has_module(name: str) -> bool:
    """Return whether this machine has a module; packages that contain it are imported."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # of a package that contains it
        return False


def missing_files(files: Mapping[str, dict[str, Any]]) -> list[str]:
    """Return the files that this machine lacks, or that have other contents here."""
    return [path for path, checksum in files.items() if not is_intact(Path(path), checksum)]

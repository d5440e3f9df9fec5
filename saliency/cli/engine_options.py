"""The options that choose where a command computes: on this machine, with helping processes, or on a Ray cluster."""

import argparse
import os

from saliency.cli.options import CommandError, OptionParser, finite_number, positive_integer

LOCAL, RAY = "local", "ray"
CLUSTER_OPTIONS = ("address", "address_timeout", "workers", "gpus_per_worker")
MAX_JOBS = 256


def add_engine_options(parser: OptionParser, jobs: str) -> None:
    """Add ``-engine``, the options of a cluster, and ``-jobs``.

    Args:
        parser: the parser of the command.
        jobs: help of ``-jobs``.
    """
    add = parser.add_option
    add("engine", choices=(LOCAL, RAY), default=LOCAL, help="this machine, or a Ray cluster (default: local)")
    add("address", metavar="HOST:PORT", help="Ray cluster; auto: that of this machine (default: new)")
    add("address-timeout", type=finite_number, metavar="SECONDS", help="time limit for its answer (default: 30)")
    add("workers", type=positive_integer, metavar="N", help="processes on the cluster (default: all that fit)")
    gpus = "GPUs of each of these processes (default: 0)"
    add("gpus-per-worker", type=finite_number, metavar="G", help=gpus)
    add("jobs", type=positive_integer, metavar="N", help=jobs)


def check_engine_options(options: argparse.Namespace) -> None:
    """Check that no option is given for another engine.

    Raises:
        CommandError: if one is, or its value is out of range.
    """
    jobs, is_ray = options.jobs, options.engine == RAY
    given = [f"-{name.replace('_', '-')}" for name in CLUSTER_OPTIONS if getattr(options, name) is not None]
    if given and not is_ray:
        raise CommandError(f"{given[0]} needs -engine ray")
    if jobs is not None and is_ray:
        raise CommandError("-jobs is for -engine local; use -workers with -engine ray")
    if jobs is not None and jobs > MAX_JOBS:
        raise CommandError(f"-jobs (={jobs}) must be at most {MAX_JOBS}")
    if getattr(options, "show", False) and (is_ray or jobs is not None):
        option = "-engine ray" if is_ray else "-jobs"
        raise CommandError(f"{option} draws figures in other processes, which cannot show them: leave out -show or {option}")
    if options.gpus_per_worker is not None and options.gpus_per_worker < 0:
        raise CommandError(f"-gpus-per-worker (={options.gpus_per_worker:g}) must not be negative")
    if options.address_timeout is not None and options.address_timeout <= 0:
        raise CommandError(f"-address-timeout (={options.address_timeout:g}) must be above 0")


def yield_processors(options: argparse.Namespace) -> None:
    """With ``-jobs``, let waiting threads of the network sleep, so that the other processes run; before Torch is imported."""
    if options.jobs is not None:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

"""Measure a framework's comparisons, print each one and write all of them to a file."""

from __future__ import annotations

import argparse
import os
import platform
import re
import warnings
from collections.abc import Iterator
from datetime import datetime, timezone
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

import saliency
from benchmarks import full_table, memory_comparison
from benchmarks.cases import BenchmarkCase, all_cases
from benchmarks.comparison import COLUMNS, Comparison
from benchmarks.interleaved import compare
from benchmarks.peers.install import PAIR_SALIENCY, TF_KERAS_VIS
from benchmarks.results import BenchmarkRun, MeasuredComparison, write

PACKAGES = {"torch": ("captum", "grad-cam", "zennit", "quantus"), "tf": ("keras",)}


def measure(options: argparse.Namespace) -> BenchmarkRun:
    """Measure the selected comparisons of a framework and write them to ``options.out``."""
    warnings.filterwarnings("ignore", module="captum")  # warns that it requires gradients and registers hooks
    backend = import_module(f"benchmarks.{options.framework}.workloads")
    backend.CLOCK.processor = options.cpu
    run = _describe_run(options)
    cases = list(all_cases(options.framework, options.squeezenet, options.network))
    print(f"{full_table.TITLES[run.framework]}: {full_table.join_facts(run.versions)}", flush=True)
    for case in cases:
        for measured in measure_case(backend, case, options):
            run.rows.append(measured)
            write(run, options.out)
            columns = [column for column in COLUMNS if column in measured.seconds]
            cells = "; ".join(f"{column} {full_table.format_ratio(measured, column)}" for column in columns)
            head = f"{case.name} x {case.batch}, {measured.work}"
            print(f"{head}, ours {full_table.format_seconds(np.median(measured.seconds['ours']))}: {cells}", flush=True)
    for peak in memory_comparison.compare_peaks(options, cases):
        run.peaks.append(peak)
        write(run, options.out)
        print(f"{peak.network}, {peak.work}: {peak.ours}, Captum {peak.captum} MiB", flush=True)
    return run


def measure_case(backend: object, case: BenchmarkCase, options: argparse.Namespace) -> Iterator[MeasuredComparison]:
    """Yield the selected comparisons of a case, measured."""
    with backend.workloads(case) as workloads:
        for workload in workloads:
            if re.search(options.only, f"{case.name} x {case.batch}, {workload.name}", re.IGNORECASE):
                yield time_comparison(backend, case, workload.name, workload.prepare(), options)


def time_comparison(
    backend: object, case: BenchmarkCase, name: str, comparison: Comparison, options: argparse.Namespace
) -> MeasuredComparison:
    """Time the variants of a comparison."""
    variants = comparison.variants
    timings = compare({column: one.run for column, one in variants.items()}, backend.CLOCK, options.rounds, options.seconds)
    seconds = {column: [one.factor * part + one.offset for part in timings[column]] for column, one in variants.items()}
    words = {column: one.description for column, one in variants.items()}
    return MeasuredComparison(case.name, name, case.batch, comparison.note, seconds, words, dict(comparison.max_ratios))


def _describe_run(options: argparse.Namespace) -> BenchmarkRun:
    machine = {
        "cores": str(os.cpu_count()),
        "processor": f"{platform.machine()} {_processor_name()}".strip(),
        "system": platform.system(),
        "Python": platform.python_version(),
    }
    versions = {"saliency": saliency.__version__, **import_module(f"benchmarks.{options.framework}.networks").versions()}
    versions |= {name: _version(name) for name in PACKAGES[options.framework]}
    versions |= {"PAIR's saliency": PAIR_SALIENCY.partition("==")[2]}
    if options.framework == "tf":
        versions |= {"tf-keras-vis": TF_KERAS_VIS.partition("==")[2]}
    settings = {"cpu": options.cpu, "rounds": options.rounds, "seconds": options.seconds, "only": options.only}
    date = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return BenchmarkRun(options.framework, date, machine, versions, settings)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor_name() -> str:
    """Return the processor's name on Linux, else an empty string."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")

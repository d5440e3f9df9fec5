"""Measures a framework's rows, prints each when it is done, and keeps all of them."""

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
from benchmarks import memory, table
from benchmarks.interleaved import compare
from benchmarks.peers.install import PAIR_SALIENCY, TF_KERAS_VIS
from benchmarks.results import Measured, Run, write
from benchmarks.row import COLUMNS, Row
from benchmarks.subjects import Subject, subjects

PACKAGES = {"torch": ("captum", "grad-cam"), "tf": ("keras",)}


def measure(options: argparse.Namespace) -> Run:
    """Measure all rows of a framework that are wanted, and write them to ``options.out``."""
    warnings.filterwarnings("ignore", module="captum")  # that it asks for gradients, and registers hooks
    home = import_module(f"benchmarks.{options.framework}.rows")
    home.CLOCK.processor = options.cpu
    run = _run(options)
    found = list(subjects(options.framework, options.squeezenet))
    print(f"{table.TITLES[run.framework]}: {table.told(run.versions)}", flush=True)
    for subject in found:
        for measured in rows(home, subject, options):
            run.rows.append(measured)
            write(run, options.out)
            columns = [column for column in COLUMNS if column in measured.seconds]
            cells = "; ".join(f"{column} {table.cell(measured, column)}" for column in columns)
            head = f"{subject.name} x {subject.batch}, {measured.work}"
            print(f"{head}, ours {table.seconds(np.median(measured.seconds['ours']))}: {cells}", flush=True)
    for peak in memory.peaks(options, found):
        run.peaks.append(peak)
        write(run, options.out)
        print(f"{peak.network}, {peak.work}: {peak.ours}, Captum {peak.captum} MiB", flush=True)
    return run


def rows(home: object, subject: Subject, options: argparse.Namespace) -> Iterator[Measured]:
    """Yield the rows of a subject that are wanted."""
    with home.works(subject) as works:
        for work in works:
            if re.search(options.only, f"{subject.name} x {subject.batch}, {work.name}", re.IGNORECASE):
                yield measured(home, subject, work.name, work.row(), options)


def measured(home: object, subject: Subject, name: str, row: Row, options: argparse.Namespace) -> Measured:
    """Time the ways of a row."""
    taken = compare({column: way.run for column, way in row.ways.items()}, home.CLOCK, options.rounds, options.seconds)
    whole = {column: [way.times * one + way.plus for one in taken[column]] for column, way in row.ways.items()}
    words = {column: way.words for column, way in row.ways.items()}
    return Measured(subject.name, name, subject.batch, row.note, whole, words, dict(row.bars))


def _run(options: argparse.Namespace) -> Run:
    machine = {
        "cores": str(os.cpu_count()),
        "processor": f"{platform.machine()} {_model()}".strip(),
        "system": platform.system(),
        "Python": platform.python_version(),
    }
    versions = {"saliency": saliency.__version__, **import_module(f"benchmarks.{options.framework}.networks").versions()}
    versions |= {name: _version(name) for name in PACKAGES[options.framework]}
    versions |= {"PAIR's saliency": PAIR_SALIENCY.partition("==")[2]}
    if options.framework == "tf":
        versions |= {"tf-keras-vis": TF_KERAS_VIS.partition("==")[2]}
    told = {"cpu": options.cpu, "rounds": options.rounds, "seconds": options.seconds, "only": options.only}
    date = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return Run(options.framework, date, machine, versions, told)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _model() -> str:
    """Return the processor's name, where Linux tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")

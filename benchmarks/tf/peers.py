"""Libraries that do the same: installed beside ours, and run in a process of their own, as one of them has our name."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import saliency
from benchmarks.subjects import Subject
from benchmarks.table import Row
from benchmarks.tf.peer_process import Peers

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv-peers"
"""Is on no path but that process's."""

TF_KERAS_VIS, PAIR = "tf-keras-vis==0.8.7", "saliency==0.2.1"
BESIDE = ("deprecated==1.3.1", "imageio==2.38.1", "lazy-loader==0.6", "networkx==3.6.1", "scikit-image==0.26.0")
"""What they import and the framework doesn't bring; nothing else comes, least of all another framework."""

SMOOTHGRAD, INTEGRATED = "SmoothGrad, 25 samples", "IntegratedGradients, 50 steps"
HELD = {  # way, as ``peer_worker`` calls it -> our method, whose it is, bar
    "keras-vis smoothgrad": (SMOOTHGRAD, TF_KERAS_VIS, 0.5),
    "pair smoothgrad": (SMOOTHGRAD, f"PAIR's {PAIR}, as its example", 0.5),
    "pair-graph smoothgrad": (SMOOTHGRAD, f"PAIR's {PAIR} on a tf.function", None),
    "pair integrated": (INTEGRATED, f"PAIR's {PAIR}, as its example", 0.5),
    "pair-graph integrated": (INTEGRATED, f"PAIR's {PAIR} on a tf.function", None),
}


def rows(subject: Subject) -> Iterator[Row]:
    """Yield a row for every other way of a network's SmoothGrad and Integrated Gradients; none without the package index."""
    failure = install()
    if failure:
        print(f"No rows for other libraries, which could not be installed: {failure}", file=sys.stderr)
        return
    x, y = subject.x, subject.classes[0]
    ours = {
        SMOOTHGRAD: partial(saliency.Vanilla(subject.model, y).GetSmoothedMask, x, nsamples=25),
        INTEGRATED: partial(saliency.IntegratedGradients(subject.model, y).GetMask, x, x_steps=50),
    }
    with TemporaryDirectory() as name:
        folder = Path(name)
        subject.model.save(folder / "model.keras")
        np.savez(folder / "input.npz", x=x, y=y)
        with Peers(FOLDER, folder) as peers:
            for way, (method, whose, bar) in HELD.items():
                yield Row(method, whose, ours[method], partial(peers.run, way), bar)


def install() -> str:
    """Install the peers where they are not; return what went wrong, or nothing."""
    pins = (TF_KERAS_VIS, PAIR, *BESIDE)
    stamp = FOLDER / "installed.txt"
    if stamp.exists() and stamp.read_text().split() == list(pins):
        return ""
    shutil.rmtree(FOLDER, ignore_errors=True)
    quiet, constraints = ("--quiet", "--disable-pip-version-check"), ("-c", str(ROOT / "constraints.txt"))
    command = [sys.executable, "-m", "pip", "install", *quiet, *constraints, "--no-deps", "--target", str(FOLDER), *pins]
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        return done.stderr.strip().splitlines()[-1]
    stamp.write_text("\n".join(pins))
    return ""

"""Install the other libraries into a folder that only their process imports from."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv-peers"

TF_KERAS_VIS, PAIR_SALIENCY = "tf-keras-vis==0.8.7", "saliency==0.2.1"
DEPENDENCIES = ("deprecated==1.3.1", "imageio==2.38.1", "lazy-loader==0.6", "networkx==3.6.1", "scikit-image==0.26.0")
"""Their dependencies, except the framework's; nothing else is installed, in particular no other framework."""


@cache
def install() -> str:
    """Install the libraries if they are missing; return an error message, or an empty string."""
    pins = (TF_KERAS_VIS, PAIR_SALIENCY, *DEPENDENCIES)
    stamp = FOLDER / "installed.txt"
    if stamp.exists() and stamp.read_text().split() == list(pins):
        return ""
    shutil.rmtree(FOLDER, ignore_errors=True)
    quiet, constraints = ("--quiet", "--disable-pip-version-check"), ("-c", str(ROOT / "constraints.txt"))
    command = [sys.executable, "-m", "pip", "install", *quiet, *constraints, "--no-deps", "--target", str(FOLDER), *pins]
    completed = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
    if completed.returncode:
        return completed.stderr.strip().splitlines()[-1]
    stamp.write_text("\n".join(pins))
    return ""

"""Describe the settings that determine the result of a run, for its journal."""

import argparse
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import saliency
from saliency.cli.stimuli import Stimuli

VERSIONED_OPTIONS = ("net", "weights", "class-names")
"""Options that may be files, which are identified by their sizes and modification times."""


def run_settings(
    options: argparse.Namespace, names: Sequence[str], stimuli: Stimuli, files: Sequence[str] = ("stim",)
) -> dict[str, str]:
    """Return the settings that determine the result of a run, by option name.

    Args:
        options: options of the command.
        names: names of the options to include; ``-net``, ``-weights`` and ``-class-names`` are always included.
        stimuli: the stimuli, whose images are identified by their sizes and modification times.
        files: names of the options that are small files, which are identified by their contents.
    """
    settings = {f"-{name.replace('_', '-')}": str(getattr(options, name)) for name in names}
    contents = {f"-{name}": _content_digest(getattr(options, name)) for name in files}
    versions = {f"-{name}": _file_version(getattr(options, name.replace("-", "_"), None)) for name in VERSIONED_OPTIONS}
    return {**settings, **contents, **versions, "pictures": stimuli.fingerprint(), "saliency": saliency.__version__}


def _content_digest(file: str | None) -> str:
    if file is None:
        return "none"
    return f"{Path(file).name} {hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]}"


def _file_version(name: str | None) -> str:
    """Return the path, size and modification time of a file; for the name of a network, the name."""
    if name is None:
        return "none"
    if not os.path.isfile(name):
        return name
    file = Path(name)
    status = file.stat()
    return f"{file.absolute()}, {status.st_size} bytes, {status.st_mtime_ns}"

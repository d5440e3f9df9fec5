"""What sets a run's result, as its journal tells it."""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path

import saliency
from saliency.cli.stimuli import Stimuli


def about(
    options: argparse.Namespace, names: Sequence[str], stimuli: Stimuli, read: Sequence[str] = ("stim",)
) -> dict[str, str]:
    """Return what sets a run's result.

    Args:
        options: of the command.
        names: of those that count; ``-net`` and ``-weights`` do always.
        stimuli: whose pictures count by their sizes and times.
        read: those that name small files, which count by what is in them.
    """
    told = {f"-{name.replace('_', '-')}": str(getattr(options, name)) for name in names}
    files = {f"-{name}": _contents(getattr(options, name)) for name in read}
    loaded = {f"-{name}": _version(getattr(options, name)) for name in ("net", "weights")}
    return {**told, **files, **loaded, "pictures": stimuli.version(), "saliency": saliency.__version__}


def _contents(file: str | None) -> str:
    if file is None:
        return "none"
    return f"{Path(file).name} {hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]}"


def _version(name: str | None) -> str:
    """Return what tells a file from an older one of its name; the name of a network is no file's."""
    if name is None:
        return "none"
    file = Path(name)
    if not file.is_file():
        return name
    status = file.stat()
    return f"{file.absolute()}, {status.st_size} bytes, {status.st_mtime_ns}"

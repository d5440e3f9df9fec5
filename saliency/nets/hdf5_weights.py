"""Read untrusted HDF5 files in a process of its own, with a time limit."""

import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from saliency.core.errors import InputError
from saliency.nets.file_rules import HDF5_SIGNATURE, FileRules

WORKER = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from saliency.io.hdf5_copy import main
sys.exit(main(sys.argv[2:]))
"""
"""The program of the process. It imports h5py and NumPy, and no framework."""


@contextmanager
def safe_to_read(argument: str, file: Path, rules: FileRules) -> Iterator[Path]:
    """Yield the path of a file whose HDF5 structures are safe to read: a copy, or the file itself if it is trusted.

    A damaged HDF5 file can make the HDF5 library loop for ever, and then even an interrupt has no effect.

    Args:
        argument: name of the argument that the file was given as.
        file: HDF5, a .keras file, or any other file, which is yielded unchanged.
        rules: the time limit, the size limit, and whether the file is trusted.

    Raises:
        InputError: if the file is damaged, too large, or not read in time.
    """
    if rules.trust or not _has_hdf5(file):
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="saliency-") as folder:
        copy = Path(folder) / file.name
        _copy(argument, file, copy, rules)
        yield copy


def _has_hdf5(file: Path) -> bool:
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            return any(name.endswith(".h5") for name in archive.namelist())
    if file.suffix in (".h5", ".hdf5"):  # HDF5 may begin after other bytes
        return True
    with file.open("rb") as opened:
        return opened.read(len(HDF5_SIGNATURE)) == HDF5_SIGNATURE


def _copy(argument: str, file: Path, copy: Path, rules: FileRules) -> None:
    arguments = [json.dumps(sys.path), str(file.absolute()), str(copy), str(rules.max_model_bytes)]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", WORKER, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=rules.weights_timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InputError(
            f"`{argument}` ({file}) was not read within {rules.weights_timeout:g} seconds: it is damaged so that the HDF5 "
            "library never ends, or the disk is slow; `weights_timeout` sets the limit"
        ) from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[-1][:300] if lines and done.returncode > 0 else f"the HDF5 library crashed ({done.returncode})"
        raise InputError(f"`{argument}` ({file}) cannot be read as HDF5: {reason}")

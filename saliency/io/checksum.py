"""Checksums of files and of parts of files, by which a resumed run recognizes its finished pieces."""

import hashlib
from pathlib import Path
from typing import IO, Any

from saliency.io.working_file import WorkingFileError, open_working_file

BLOCK_BYTES = 2**20


def checksum(file: IO[bytes], start: int = 0, size: int | None = None) -> dict[str, Any]:
    """Return the size and the SHA-256 of a part of a file.

    Args:
        file: an open file.
        start: the first byte.
        size: the number of bytes; None for all until the end. A file that is too short has a smaller size.
    """
    digest, done = hashlib.sha256(), 0
    file.seek(start)
    while block := file.read(BLOCK_BYTES if size is None else min(BLOCK_BYTES, size - done)):
        digest.update(block)
        done += len(block)
    return {"bytes": done, "sha256": digest.hexdigest()}


def file_checksum(path: Path) -> dict[str, Any]:
    """Return the size and the SHA-256 of a file.

    Raises:
        OSError, WorkingFileError: if the file cannot be read, or is a link.
    """
    with open_working_file(path, "rb") as file:
        return checksum(file)


def is_intact(path: Path, recorded: dict[str, Any]) -> bool:
    """Return whether a file has the size and the SHA-256 that were recorded."""
    try:
        return bool(path.lstat().st_size == recorded["bytes"]) and file_checksum(path) == recorded
    except (OSError, WorkingFileError):
        return False

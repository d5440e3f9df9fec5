"""Check the free space on a disk before a computation."""

import shutil
from pathlib import Path

from saliency.cli.options import CommandError


def check_free_space(out: Path, folder: Path, needed: int, what: str, fewer: str) -> None:
    """Check that the disk has space for what a run will write.

    Args:
        out: value of ``-out``, for the error message.
        folder: an existing folder on this disk.
        needed: bytes.
        what: what is written.
        fewer: what to select less of.

    Raises:
        CommandError: if the disk has less space.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise CommandError(
            f"-out ({out}): {what} need {needed} bytes while the run lasts, and {free} bytes are free; "
            f"free some space, or select fewer {fewer}"
        )

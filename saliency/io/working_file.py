"""Open the hidden files that a run keeps beside its output, which somebody else may have put there."""

import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)  # Windows has none
NO_BLOCK = getattr(os, "O_NONBLOCK", 0)  # a pipe would block


class WorkingFileError(ValueError):
    """A hidden file is a link, belongs to another user, or is no regular file."""


def open_working_file(path: Path, mode: str, buffering: int = -1) -> Any:
    """Open a hidden file as ``open`` does, without following a link.

    Args:
        path: the file.
        mode: a binary mode of ``open``, except ``wb``: a file must not be truncated before it has been checked.
        buffering: as for ``open``.

    Returns:
        The file object of ``open``.

    Raises:
        WorkingFileError: if the file is not a regular file of this user with a single name.
        OSError: if it cannot be opened.
    """
    try:
        file = open(path, mode, buffering, opener=_open_without_following)  # noqa: SIM115 - Path.open has no opener
    except OSError:
        if os.path.lexists(path):
            _check(path, path.lstat())
        raise
    try:
        _check(path, os.fstat(file.fileno()))
    except BaseException:
        file.close()
        raise
    return file


def check_working_folder(path: Path) -> None:
    """Check that a hidden folder is a folder of this user, and not a link.

    Raises:
        WorkingFileError: if it is not.
        OSError: if it does not exist.
    """
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise _error(path, "is a link, not a folder" if stat.S_ISLNK(status.st_mode) else "is not a folder")
    _check_owner(path, status)


def remove_working_folder(path: Path) -> None:
    """Remove a hidden folder and its files, if it exists.

    Raises:
        WorkingFileError: if it is not a folder of this user.
    """
    if os.path.lexists(path):
        check_working_folder(path)
        shutil.rmtree(path)


def _open_without_following(name: str, flags: int) -> int:
    return os.open(name, flags | NO_FOLLOW | NO_BLOCK, 0o666)


def _check(path: Path, status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode) or (not NO_FOLLOW and path.is_symlink()):
        raise _error(path, "is a link")
    if not stat.S_ISREG(status.st_mode):
        raise _error(path, "is not a regular file")
    if status.st_nlink > 1:
        raise _error(path, "is a file with a second name (a hard link)")
    _check_owner(path, status)


def _check_owner(path: Path, status: os.stat_result) -> None:
    mine = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
    if not mine and status.st_uid != _owner_of_new_files(path.parent):
        raise _error(path, "belongs to another user")


def _owner_of_new_files(folder: Path) -> int:
    """Return the owner of files that this process creates: some file systems choose it."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.fstat(file.fileno()).st_uid


def _error(path: Path, problem: str) -> WorkingFileError:
    return WorkingFileError(f"{path}: {problem}; a run keeps its own file there. Remove it, or choose another output")

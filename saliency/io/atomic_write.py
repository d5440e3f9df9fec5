"""Write files under a temporary name and rename them when they are complete."""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # on Windows, files of killed processes are not distinguished from those of running ones
    fcntl = None  # type: ignore[assignment]


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Create a temporary file in the same folder and rename it to ``path`` when the block succeeds.

    Args:
        path: the final file. An existing file is replaced on success and kept if the block raises. The block receives the
            path of the temporary file, which is empty and has the same suffix.

    Raises:
        OSError: if the file cannot be written or renamed.
    """
    final = Path(path)
    temporary = final.with_name(f".{final.stem}-{secrets.token_hex(4)}{final.suffix}")
    try:
        with named_errors(final):
            with temporary.open("xb+", buffering=0) as file:
                if fcntl is not None:
                    with suppress(OSError):  # a file system without locks
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield temporary
                os.fsync(file.fileno())
            temporary.replace(final)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Add the name of a file to errors of the block that have none, such as that of a full disk.

    Raises:
        OSError: with the name of the file.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:  # errors of `write` carry no file name
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def remove_leftover_files(path: Path) -> None:
    """Remove the temporary files for ``path`` that killed processes left in its folder."""
    name = re.compile(rf"\.{re.escape(path.stem)}-[0-9a-f]{{8}}{re.escape(path.suffix)}")
    for other in list(path.parent.iterdir()):
        if name.fullmatch(other.name) and not _is_being_written(other):
            with suppress(OSError):  # another process removed it, or it is a folder
                other.unlink()


def _is_being_written(temporary: Path) -> bool:
    """Return whether a running process has locked the file."""
    if fcntl is None:
        return False
    try:
        descriptor = os.open(temporary, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    finally:
        os.close(descriptor)
    return False

"""Write files under a temporary name and rename them when they are complete."""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path in the same folder and rename it to ``path`` when the block succeeds.

    Args:
        path: the final file. An existing file is replaced on success and kept if the block raises. The temporary name has
            the same suffix.

    Raises:
        OSError: if the temporary file was not written or cannot be renamed.
    """
    final = Path(path)
    temporary = final.with_name(f".{final.stem}-{secrets.token_hex(4)}{final.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(final)
    except OSError as error:
        if error.filename is None and error.errno is not None:  # errors of `write` carry no file name
            raise OSError(error.errno, error.strerror, str(final)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftover_files(path: Path) -> None:
    """Remove the temporary files for ``path`` that killed processes left in its folder."""
    name = re.compile(rf"\.{re.escape(path.stem)}-[0-9a-f]{{8}}{re.escape(path.suffix)}")
    for other in list(path.parent.iterdir()):
        if name.fullmatch(other.name):
            other.unlink(missing_ok=True)

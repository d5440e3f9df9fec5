"""A file appears under its name when it is whole, or not at all."""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary file beside ``path``, with its suffix; when the block ends well, it takes the name.

    Args:
        path: the final name; what was there is replaced, or kept if the block raises.

    Raises:
        OSError: if the file was not written, or cannot take the name.
    """
    final = Path(path)
    temporary = final.with_name(f".{final.stem}-{secrets.token_hex(4)}{final.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(final)
    except OSError as error:
        if error.filename is None and error.errno is not None:  # a write that failed does not know its file
            raise OSError(error.errno, error.strerror, str(final)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def leftovers(path: Path) -> list[Path]:
    """Return the temporary files for a name that were left beside it by a process that was killed."""
    name = re.compile(rf"\.{re.escape(path.stem)}-[0-9a-f]{{8}}{re.escape(path.suffix)}")
    return [other for other in path.parent.iterdir() if name.fullmatch(other.name)]

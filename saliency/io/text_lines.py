"""Read the lines of DNNBrain's text files: check the suffix, decode UTF-8, number the lines."""

import os
from collections.abc import Iterator
from pathlib import Path


def numbered_lines(file: Path, suffix: str) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, stripped line) of every line that is not blank.

    Args:
        file: UTF-8 text, with or without a byte order mark and with any line endings.
        suffix: required end of the file name.

    Raises:
        ValueError: if the suffix is wrong, or the file is not a regular file or not UTF-8.
        OSError: if the file cannot be read.
    """
    for i, line in enumerate(_read_text(file, suffix).split("\n"), start=1):
        if line.strip():
            yield i, line.strip()


def file_path(file: str | os.PathLike[str], suffix: str = "") -> Path:
    """Return the path of a file, whose format is known by its suffix.

    Raises:
        ValueError: if it is not a path, contains NUL, or does not end in ``suffix``.
    """
    if not isinstance(file, str | os.PathLike) or not isinstance(os.fspath(file), str):
        raise ValueError(f"`file` ({type(file).__name__}) must be a path, a string or a pathlib.Path")
    if "\0" in os.fspath(file):
        raise ValueError(f"`file` (={os.fspath(file)!r}) must not contain NUL, the character \\0")
    path = Path(file)
    if not path.name.endswith(suffix):
        raise ValueError(f"{path}: the name must end in {suffix}")
    return path


def file_error(file: Path, problem: str) -> ValueError:
    """Return an error whose message begins with the file."""
    return ValueError(f"{file}: {problem}")


def encode_text(file: Path, text: str) -> bytes:
    """Return a text in UTF-8.

    Raises:
        ValueError: if it has a character that is not Unicode, as in a path that was decoded from other bytes.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        line = text[: error.start].count("\n")
        problem = f"cannot hold {text.split(chr(10))[line]!r}: UTF-8 has no character {text[error.start]!r}"
        raise file_error(file, problem) from None


def _read_text(file: Path, suffix: str) -> str:
    file = file_path(file, suffix)
    if os.path.exists(file) and not os.path.isfile(file):
        raise file_error(file, "must be a regular file")
    content = file.read_bytes()
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise file_error(file, f"byte {error.start} is not UTF-8; save the file as UTF-8") from None

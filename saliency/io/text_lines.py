"""A text file of DNNBrain's: its name's ending, its encoding, its lines."""

from collections.abc import Iterator
from pathlib import Path


def numbered(file: Path, suffix: str) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line) of the lines that are not blank, without the blanks around them.

    Args:
        file: UTF-8, with or without a byte order mark; lines end as on any system.
        suffix: what its name must end in.

    Raises:
        ValueError: if it has another name, is no regular file, or is not UTF-8.
        OSError: if it cannot be read.
    """
    for i, line in enumerate(_text(file, suffix).split("\n"), start=1):
        if line.strip():
            yield i, line.strip()


def check_suffix(file: Path, suffix: str) -> None:
    """Check how a file's name ends; both commands and people tell the formats by that.

    Raises:
        ValueError: if it ends otherwise.
    """
    if not file.name.endswith(suffix):
        raise ValueError(f"{file}: the name must end in {suffix}")


def wrong(file: Path, what: str) -> ValueError:
    """Return the error that says what is wrong with a file."""
    return ValueError(f"{file}: {what}")


def _text(file: Path, suffix: str) -> str:
    check_suffix(file, suffix)
    if file.exists() and not file.is_file():
        raise wrong(file, "must be a regular file")
    raw = file.read_bytes()
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise wrong(file, f"byte {error.start} is not UTF-8; save the file as UTF-8") from None

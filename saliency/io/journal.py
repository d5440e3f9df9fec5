"""Record the finished pieces of a run in a file beside its outputs, so that the same command can resume a killed run."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from saliency.io.atomic_write import named_errors
from saliency.io.working_file import open_working_file

try:
    import fcntl
except ImportError:  # on Windows, simultaneous runs are not detected
    fcntl = None  # type: ignore[assignment]


OUTPUT = "output"
"""The name under which a run records its output, after its pieces."""


class JournalError(ValueError):
    """A journal is damaged, or belongs to another run."""


class Journal:
    """A file with lines of JSON and their checksums: the settings of a run, then a record of each finished piece.

    A piece is recorded when its files are complete. If they are found damaged later, it is discarded and recorded again.

    Args:
        stream: the open file, which this run has locked.
        settings: the settings that determine the result of this run, by option name.
        lines: the lines of the file, which may come from another run: its settings, then its records.
    """

    def __init__(self, stream: IO[bytes], settings: Mapping[str, str], lines: list[dict[str, Any]]) -> None:
        self._stream, self._settings = stream, dict(settings)
        self._recorded_settings: dict[str, str] | None = lines[0] if lines else None
        self.records: dict[str, dict[str, Any]] = {}
        for line in lines[1:]:
            self._apply(line)
        self.finished = False

    @property
    def resumed(self) -> bool:
        """Whether the file has the settings of this run, so that the run continues an earlier one."""
        return self._recorded_settings == self._settings

    @property
    def pieces(self) -> dict[int, dict[str, Any]]:
        """The records of the finished pieces, without that of the output, by number."""
        return {int(name): record for name, record in self.records.items() if name != OUTPUT}

    def begin(self) -> None:
        """Write the settings, unless this run is resumed. If the run ends early, it can be resumed from now on."""
        if not self.resumed:
            with named_errors(Path(self._stream.name)):
                self._stream.truncate(0)
            self.records = {}
            self._recorded_settings = self._settings
            self._append(self._settings)

    def differences(self) -> list[str]:
        """Return how the settings differ from those in the file, such as ``-cmap (was hot, is now gray)``."""
        old = self._recorded_settings if self._recorded_settings is not None else self._settings
        new = self._settings
        names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        return [f"{name} (was {old.get(name, 'none')}, is now {new.get(name, 'none')})" for name in names]

    def add(self, piece: int | str, record: Mapping[str, Any]) -> None:
        """Record a finished piece, after its files are complete.

        Args:
            piece: its number, or ``OUTPUT``.
            record: what the run needs to resume, with the checksums of the files.
        """
        self._append({"piece": str(piece), **record})
        self.records[str(piece)] = dict(record)

    def discard(self, pieces: Iterable[int | str]) -> None:
        """Remove the records of pieces that are missing or damaged."""
        line = {"discarded": [str(piece) for piece in pieces if str(piece) in self.records]}
        if line["discarded"]:
            self._append(line)
            self._apply(line)

    def finish(self) -> None:
        """Mark the run as finished; its journal is removed when it is closed."""
        self.finished = True

    def _apply(self, line: dict[str, Any]) -> None:
        if "discarded" in line:
            for name in line["discarded"]:
                self.records.pop(name, None)
        else:
            name = line["piece"]
            if name != OUTPUT:
                int(name)  # or the line is invalid
            self.records[name] = {key: value for key, value in line.items() if key != "piece"}

    def _append(self, record: Mapping[str, Any]) -> None:
        with named_errors(Path(self._stream.name)):
            rest = _line(record)
            while rest:
                rest = rest[self._stream.write(rest) :]


def journal_path(output: Path) -> Path:
    """Return the path of the journal of an output: ``.NAME.journal``, beside it."""
    return output.with_name(f".{output.name}.journal")


@contextmanager
def open_journal(file: Path, settings: Mapping[str, str], overwrite: bool, restart: str = "-overwrite") -> Iterator[Journal]:
    """Open and lock the journal of a run. It is kept if the block raises after a piece was recorded.

    Args:
        file: path of the journal, in an existing folder.
        settings: the settings that determine the result of the run, by option name.
        overwrite: whether to discard the journal of a run with other settings.
        restart: the option of the user that sets ``overwrite``, for the error.

    Raises:
        JournalError: if the journal belongs to a run with other settings, or to a run in progress; no file has been changed.
    """
    with _open_locked(file) as stream:
        journal = _read_journal(stream, settings)
        differences = journal.differences()
        if differences and not overwrite:
            raise JournalError(
                f"{_output_path(file)} belongs to an unfinished run with other arguments: {'; '.join(differences)}; "
                f"finish that run first, or start again with {restart}"
            )
        try:
            yield journal
        finally:
            if journal.finished or not journal.records:
                file.unlink()


@contextmanager
def _open_locked(file: Path) -> Iterator[IO[bytes]]:
    """Open and lock a file. Open it again if another process that had locked it removed it meanwhile."""
    while True:
        with open_working_file(file, "a+b", buffering=0) as stream:
            if fcntl is not None:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise JournalError(f"{_output_path(file)} is being written by another run") from None
            if file.exists() and os.path.samestat(os.fstat(stream.fileno()), file.stat()):
                yield stream
                return


def _read_journal(stream: IO[bytes], settings: Mapping[str, str]) -> Journal:
    """Read a journal; a last line that is incomplete is removed from the file."""
    stream.seek(0)
    text = stream.read()
    complete = text[: text.rfind(b"\n") + 1]
    try:
        journal = Journal(stream, settings, [_parse(line) for line in complete.splitlines(keepends=True)])
    except (ValueError, TypeError, KeyError):
        raise JournalError(f"{stream.name} is not a valid journal; remove it") from None
    stream.truncate(len(complete))
    return journal


def _line(record: Mapping[str, Any]) -> bytes:
    """Return a line of a journal: a checksum, and JSON."""
    text = json.dumps(record).encode()
    return b"%s %s\n" % (hashlib.sha256(text).hexdigest()[:16].encode(), text)


def _parse(line: bytes) -> dict[str, Any]:
    """Return the record of a line.

    Raises:
        ValueError: if it is not a line of a journal, or is damaged.
    """
    record = dict(json.loads(line.partition(b" ")[2]))
    if _line(record) != line:
        raise ValueError("the checksum differs")
    return record


def _output_path(journal: Path) -> Path:
    """Return the path of the output of a journal."""
    return journal.with_name(journal.name.removeprefix(".").removesuffix(".journal"))

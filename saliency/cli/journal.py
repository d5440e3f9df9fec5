"""Record the finished parts of a run in a file beside its outputs, so that the same command can resume a killed run."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from saliency.cli.options import CommandError

try:
    import fcntl
except ImportError:  # on Windows, simultaneous runs are not detected
    fcntl = None  # type: ignore[assignment]


class Journal:
    """A file with lines of JSON: the settings of a run, then a record of each finished part.

    Args:
        stream: the open file, which this run has locked.
        settings: the settings that determine the result of this run, by option name.
        lines: the lines of the file, which may come from another run: its settings, then its records.
    """

    def __init__(self, stream: IO[bytes], settings: Mapping[str, str], lines: list[dict[str, Any]]) -> None:
        self._stream, self._settings = stream, dict(settings)
        self._recorded_settings: dict[str, str] | None = lines[0] if lines else None
        self.records = lines[1:]
        self.finished = False

    @property
    def resumed(self) -> bool:
        """Whether the file has the settings of this run, so that the run continues an earlier one."""
        return self._recorded_settings == self._settings

    def begin(self) -> None:
        """Write the settings, unless this run is resumed. If the run ends early, it can be resumed from now on."""
        if not self.resumed:
            self._stream.truncate(0)
            self.records = []
            self._recorded_settings = self._settings
            self._append(self._settings)

    def differences(self) -> list[str]:
        """Return how the settings differ from those in the file, such as ``-cmap (was hot, is now gray)``."""
        old = self._recorded_settings if self._recorded_settings is not None else self._settings
        new = self._settings
        names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        return [f"{name} (was {old.get(name, 'none')}, is now {new.get(name, 'none')})" for name in names]

    def add(self, record: Mapping[str, Any]) -> None:
        """Record a finished part, after its files are complete."""
        self.records.append(dict(record))
        self._append(record)

    def finish(self) -> None:
        """Mark the run as finished; its journal is removed when it is closed."""
        self.finished = True

    def _append(self, record: Mapping[str, Any]) -> None:
        self._stream.seek(0, os.SEEK_END)
        self._stream.write(json.dumps(record).encode() + b"\n")
        self._stream.flush()


def journal_path(output: Path) -> Path:
    """Return the path of the journal of an output: ``.NAME.journal``, beside it."""
    return output.with_name(f".{output.name}.journal")


@contextmanager
def open_journal(file: Path, settings: Mapping[str, str], overwrite: bool) -> Iterator[Journal]:
    """Open and lock the journal of a run. It is kept if the block raises after a part was recorded.

    Args:
        file: path of the journal, in an existing folder.
        settings: the settings that determine the result of the run, by option name.
        overwrite: whether to discard the journal of a run with other settings.

    Raises:
        CommandError: if the journal belongs to a run with other settings, or to a run in progress; no file has been changed.
    """
    with _open_locked(file) as stream:
        journal = Journal(stream, settings, _read_lines(stream))
        differences = journal.differences()
        if differences and not overwrite:
            raise CommandError(
                f"{_output_path(file)} belongs to an unfinished run with other arguments: {'; '.join(differences)}; "
                "finish that run first, or start again with -overwrite"
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
        with file.open("a+b") as stream:
            if fcntl is not None:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise CommandError(f"{_output_path(file)} is being written by another run") from None
            if file.exists() and os.path.samestat(os.fstat(stream.fileno()), file.stat()):
                yield stream
                return


def _read_lines(stream: IO[bytes]) -> list[dict[str, Any]]:
    """Return the lines of a journal; a last line that is incomplete is removed from the file."""
    stream.seek(0)
    text = stream.read()
    complete = text[: text.rfind(b"\n") + 1]
    stream.truncate(len(complete))
    try:
        return [dict(json.loads(line)) for line in complete.splitlines()]
    except (ValueError, TypeError):
        raise CommandError(f"{getattr(stream, 'name', 'the journal')} is not a valid journal; remove it") from None


def _output_path(journal: Path) -> Path:
    """Return the path of the output of a journal."""
    return journal.with_name(journal.name.removeprefix(".").removesuffix(".journal"))

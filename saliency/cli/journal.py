"""What a run has finished, kept beside its outputs, so that the same command goes on where a killed one was."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from saliency.cli.options import Refused

try:
    import fcntl
except ImportError:  # Windows: two runs at a time are not noticed there
    fcntl = None  # type: ignore[assignment]


class Journal:
    """A file of lines in JSON: what the run is, and a record of each piece of work that is done.

    Args:
        stream: the open file, which no other run has.
        about: what sets the run's result, by the name of the option.
        lines: that stand in it: what the run that it is of is about, then its records.
    """

    def __init__(self, stream: IO[bytes], about: Mapping[str, str], lines: list[dict[str, Any]]) -> None:
        self._stream, self._about = stream, dict(about)
        self._begun: dict[str, str] | None = lines[0] if lines else None
        self.records = lines[1:]  # of the pieces that are done, in their order
        self.ended = False

    @property
    def resumed(self) -> bool:
        """Whether the same run had begun before."""
        return self._begun == self._about

    def begin(self) -> None:
        """Write what the run is, unless it stands there: from now on a run that ends early can be taken up."""
        if not self.resumed:
            self._stream.truncate(0)
            self.records = []
            self._begun = self._about
            self._append(self._about)

    def differing(self) -> list[str]:
        """Return what another run's journal, if this is one, says otherwise: ``-cmap (hot there, gray here)``."""
        there = self._begun if self._begun is not None else self._about
        names = [name for name in {**there, **self._about} if there.get(name) != self._about.get(name)]
        return [f"{name} ({there.get(name, 'none')} there, {self._about.get(name, 'none')} here)" for name in names]

    def add(self, record: Mapping[str, Any]) -> None:
        """Record a piece of work whose files are whole."""
        self.records.append(dict(record))
        self._append(record)

    def end(self) -> None:
        """Tell that the run is finished: its journal is removed."""
        self.ended = True

    def _append(self, record: Mapping[str, Any]) -> None:
        self._stream.seek(0, os.SEEK_END)
        self._stream.write(json.dumps(record).encode() + b"\n")
        self._stream.flush()


@contextmanager
def journal(file: Path, about: Mapping[str, str], overwrite: bool) -> Iterator[Journal]:
    """Open a run's journal, for this run alone; it stays, when the block raises after a record.

    Args:
        file: its path, in a folder that exists.
        about: what sets the run's result, by the name of the option.
        overwrite: forget what another run has done.

    Raises:
        Refused: if it is another run's, or another run is under way; nothing has been changed.
    """
    with _alone(file) as stream:
        opened = Journal(stream, about, _lines(stream))
        differing = opened.differing()
        if differing and not overwrite:
            raise Refused(
                f"{_of(file)} is of an unfinished run with other arguments, {'; '.join(differing)}: finish that one, or give "
                "-overwrite to begin anew"
            )
        try:
            yield opened
        finally:
            if opened.ended or not opened.records:
                file.unlink()


@contextmanager
def _alone(file: Path) -> Iterator[IO[bytes]]:
    """Open a file that one process at a time can have; another that ended with it may have removed it meanwhile."""
    while True:
        with file.open("a+b") as stream:
            if fcntl is not None:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise Refused(f"{_of(file)} is being written by another run") from None
            if file.exists() and os.path.samestat(os.fstat(stream.fileno()), file.stat()):
                yield stream
                return


def _lines(stream: IO[bytes]) -> list[dict[str, Any]]:
    """Return the records of a journal, whose last line may be cut off; it is dropped from the file."""
    stream.seek(0)
    text = stream.read()
    whole = text[: text.rfind(b"\n") + 1]
    stream.truncate(len(whole))
    try:
        return [dict(json.loads(line)) for line in whole.splitlines()]
    except (ValueError, TypeError):
        raise Refused(f"{getattr(stream, 'name', 'the journal')} is no journal of a run; remove it") from None


def _of(file: Path) -> Path:
    """Return the name that a run's files have, from its journal's, ``.NAME.journal``."""
    return file.with_name(file.name.removeprefix(".").removesuffix(".journal"))

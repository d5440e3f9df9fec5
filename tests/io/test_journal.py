"""The journal of a run."""

import json
import os

import pytest

from saliency.io.journal import OUTPUT, JournalError, open_journal
from saliency.io.working_file import WorkingFileError


def lines(file):
    """Return the lines of a journal, without their checksums."""
    return [json.loads(line.partition(" ")[2]) for line in file.read_text().splitlines()]


def opened(file):
    return open_journal(file, {"a": "1"}, overwrite=False)


def test_simultaneous_runs_are_refused(tmp_path):
    pytest.importorskip("fcntl")
    with open_journal(tmp_path / ".j", {"a": "1"}, overwrite=False) as first:
        first.begin()
        first.add(1, {"k": 1})
        with pytest.raises(JournalError, match="another run"), open_journal(tmp_path / ".j", {"a": "1"}, overwrite=True):
            pass
    with open_journal(tmp_path / ".j", {"a": "1"}, overwrite=False) as second:
        assert second.resumed and second.records == {"1": {"k": 1}}
        second.finish()
    assert not list(tmp_path.iterdir())


def test_an_incomplete_last_line_is_removed(tmp_path):
    file = tmp_path / ".j"
    with open_journal(file, {"a": "1"}, overwrite=False) as first:
        first.begin()
        first.add(1, {"k": 1})
        first.add(2, {"k": 2})
    file.write_bytes(file.read_bytes()[:-3])
    with open_journal(file, {"a": "1"}, overwrite=False) as second:
        assert second.records == {"1": {"k": 1}}
        second.add(3, {"k": 3})
    assert lines(file) == [{"a": "1"}, {"piece": "1", "k": 1}, {"piece": "3", "k": 3}]
    with open_journal(file, {"a": "2"}, overwrite=True) as third:
        assert not third.resumed
        third.begin()
        third.add(4, {"k": 4})
    assert lines(file) == [{"a": "2"}, {"piece": "4", "k": 4}]


def test_a_run_without_results_leaves_no_journal(tmp_path):
    with pytest.raises(ZeroDivisionError), open_journal(tmp_path / ".j", {"a": "1"}, overwrite=False) as first:
        first.begin()
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_a_discarded_piece_is_recorded_again(tmp_path):
    with opened(tmp_path / ".j") as first:
        first.begin()
        for piece in (1, 2, 3, OUTPUT):
            first.add(piece, {"k": piece})
        first.discard([2, OUTPUT, 7])
        assert first.pieces == {1: {"k": 1}, 3: {"k": 3}}
    with opened(tmp_path / ".j") as second:
        assert second.records == {"1": {"k": 1}, "3": {"k": 3}}
        second.add(2, {"k": "again"})
        second.discard([])
    with opened(tmp_path / ".j") as third:
        assert third.pieces == {1: {"k": 1}, 3: {"k": 3}, 2: {"k": "again"}}
    assert len(lines(tmp_path / ".j")) == 7


def test_a_changed_byte_is_detected(tmp_path):
    with opened(tmp_path / ".j") as first:
        first.begin()
        first.add(1, {"k": 1})
    whole = (tmp_path / ".j").read_bytes()
    for at in range(0, len(whole) - 1, 3):
        (tmp_path / ".j").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(JournalError, match=r"\.j is not a valid journal; remove it"), opened(tmp_path / ".j"):
            pass


PLANTED = {
    "a link": (lambda path, victim: path.symlink_to(victim), "is a link"),
    "a dangling link": (lambda path, victim: path.symlink_to(victim.with_name("new")), "is a link"),
    "a hard link": (lambda path, victim: path.hardlink_to(victim), "is a file with a second name"),
    "a pipe": (lambda path, victim: os.mkfifo(path), "is not a regular file"),
    "a folder": (lambda path, victim: path.mkdir(), "is not a regular file"),
}


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_file_is_refused(case, tmp_path):
    plant, message = PLANTED[case]
    victim = tmp_path / "victim"
    victim.write_text("theirs")
    plant(tmp_path / ".j", victim)
    with (
        pytest.raises(WorkingFileError, match=rf"\.j: {message}.* Remove it, or choose another output"),
        opened(tmp_path / ".j"),
    ):
        pass
    assert victim.read_text() == "theirs" and sorted(path.name for path in tmp_path.iterdir()) == [".j", "victim"]


def test_a_file_of_another_user_is_refused(tmp_path, monkeypatch):
    (tmp_path / ".j").touch()
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    with opened(tmp_path / ".j"):  # this file system seems to choose the owner of new files
        pass
    (tmp_path / ".j").touch()
    monkeypatch.setattr("saliency.io.working_file._owner_of_new_files", lambda folder: os.getuid() + 1)
    with pytest.raises(WorkingFileError, match="belongs to another user"), opened(tmp_path / ".j"):
        pass


def test_a_full_disk_names_the_journal(tmp_path):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(tmp_path / ".j") as journal:
        journal.begin()
        resource.setrlimit(resource.RLIMIT_FSIZE, (40, before[1]))
        try:
            with pytest.raises(OSError, match="File too large") as refusal:
                journal.add(1, {"k": "long" * 10})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert refusal.value.filename == str(tmp_path / ".j") and not (tmp_path / ".j").exists()

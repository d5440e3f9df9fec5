"""The journal of a run."""

import json

import pytest

from saliency.cli.journal import open_journal
from saliency.cli.options import CommandError


def test_simultaneous_runs_are_refused(tmp_path):
    pytest.importorskip("fcntl")
    with open_journal(tmp_path / ".j", {"a": "1"}, overwrite=False) as first:
        first.begin()
        first.add({"k": 1})
        with pytest.raises(CommandError, match="another run"), open_journal(tmp_path / ".j", {"a": "1"}, overwrite=True):
            pass
    with open_journal(tmp_path / ".j", {"a": "1"}, overwrite=False) as second:
        assert second.resumed and second.records == [{"k": 1}]
        second.finish()
    assert not list(tmp_path.iterdir())


def test_an_incomplete_last_line_is_removed(tmp_path):
    file = tmp_path / ".j"
    with open_journal(file, {"a": "1"}, overwrite=False) as first:
        first.begin()
        first.add({"k": 1})
        first.add({"k": 2})
    file.write_bytes(file.read_bytes()[:-3])
    with open_journal(file, {"a": "1"}, overwrite=False) as second:
        assert second.records == [{"k": 1}]
        second.add({"k": 3})
    assert [json.loads(line) for line in file.read_text().splitlines()] == [{"a": "1"}, {"k": 1}, {"k": 3}]
    with open_journal(file, {"a": "2"}, overwrite=True) as third:
        assert not third.resumed
        third.begin()
        third.add({"k": 4})
    assert [json.loads(line) for line in file.read_text().splitlines()] == [{"a": "2"}, {"k": 4}]


def test_a_run_without_results_leaves_no_journal(tmp_path):
    with pytest.raises(ZeroDivisionError), open_journal(tmp_path / ".j", {"a": "1"}, overwrite=False) as first:
        first.begin()
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())

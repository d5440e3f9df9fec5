"""Fixtures of the tests of commands."""

import pytest

from tests.cli.forked_commands import forked_commands


@pytest.fixture(scope="session")
def start_command():
    """A function that starts a command in a process of its own; see `forked_commands`."""
    with forked_commands() as start:
        yield start

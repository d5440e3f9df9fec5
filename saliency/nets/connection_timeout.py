"""Limit how long a download waits for a server that does not respond."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

DEFAULT_SECONDS = 5.0


@contextmanager
def connection_timeout(seconds: float = DEFAULT_SECONDS) -> Iterator[None]:
    """Set the default socket timeout inside the block and restore it afterwards.

    The downloads of Torch and Keras have no timeout of their own; they use the default of the process.

    Args:
        seconds: time without data after which a connection fails.
    """
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)

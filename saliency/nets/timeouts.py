"""How long a server that does not answer is waited for."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 5.0


@contextmanager
def patience(seconds: float = SECONDS) -> Iterator[None]:
    """Give up a connection that is silent for so long.

    The downloads of Torch and Keras take no time limit of their own but the process's, so that one is set, and set back.
    """
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)

"""What tests run in the processes of a pool."""

import os
import signal
import struct
import sys
from multiprocessing.connection import Connection

FRAMEWORKS = ("torch", "tensorflow", "keras", "jax")


def double(x):
    return 2 * x


def fail(message):
    raise ValueError(message)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(marker):
    """Die, unless there is a file; it is created first."""
    if not marker.exists():
        marker.touch()
        die()
    return "alive"


def die_while_sending(marker):
    """Die in the middle of the result, unless there is a file; it is created first."""

    def send(connection, contents):
        connection._send(struct.pack("!i", len(contents) + 10**6))
        connection._send(contents)
        die()

    if not marker.exists():
        marker.touch()
        Connection._send_bytes = send
    return "alive"


def imported_frameworks():
    """Return the frameworks that reading images and drawing figures import."""
    import saliency.cli.figure_job
    import saliency.cli.read_ahead
    import saliency.cli.report.row_reader
    import saliency.cli.stimulus_reader  # noqa: F401

    return [name for name in FRAMEWORKS if name in sys.modules]


class DeadlyReader:
    """A reader that dies of one image."""

    def __init__(self, reader, deadly):
        self.reader, self.deadly = reader, deadly

    def part(self, indices):
        return DeadlyReader(self.reader.part(indices), self.deadly)

    def read(self, indices, log):
        if self.deadly in indices:
            die()
        return self.reader.read(indices, log)

    def log_lost(self, index, reason, log):
        return self.reader.log_lost(index, reason, log)

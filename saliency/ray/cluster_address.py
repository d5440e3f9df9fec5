"""Check within a time limit that a Ray cluster answers at an address. Ray itself would wait for minutes."""

import importlib
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

from saliency.core.errors import InputError
from saliency.core.validation import shown

AUTO, LOCAL = "auto", "local"
ENVIRONMENT = "RAY_ADDRESS"
WAY_ON = "`ray status` prints the address on its first machine"
SETTINGS = b"\x04"
HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + SETTINGS + bytes(5)
"""The first bytes of a client of HTTP/2, with an empty frame of settings; the server answers with its own (RFC 9113, 3.4)."""

QUESTION = """
import sys
address, *sys.path = sys.argv[1:]
from ray._raylet import GcsClient
GcsClient(address=address)
"""
"""A program that asks a cluster for its identity, as ``ray.init`` does, in a process that can be stopped."""

OTHER_SERVER = "a server of another kind answers"
UNKNOWN_CALL, NO_TOKEN = "Method not found", "AuthenticationError"
"""Parts of Ray's errors if the server is not Ray's, and if this process has no token of the cluster."""


@dataclass(frozen=True)
class ClusterAddress:
    """Where ``ray.init`` would connect to.

    Args:
        text: ``host:port``; None if Ray would start a new cluster.
        label: what the user passed, for errors.
        is_found: whether Ray found the address on this machine.
    """

    text: str | None
    label: str
    is_found: bool = False

    @classmethod
    def of(cls, address: str | None) -> "ClusterAddress":
        """Resolve ``host:port``, ``"auto"``, the cluster of this machine, or None, the same if there is one.

        Raises:
            ConnectionError: if the address is ``"auto"``, and no cluster runs on this machine.
        """
        label = f"`address` (={shown(address)})"
        if address not in (None, AUTO):
            return cls(address, label)
        environment = os.environ.get(ENVIRONMENT) or address
        if environment not in (None, AUTO, LOCAL):
            return cls(environment, f"{ENVIRONMENT} (={shown(environment)})")
        services = importlib.import_module("ray._private.services")
        try:
            found: str | None = services.canonicalize_bootstrap_address(environment)
        except ConnectionError as error:
            hint = "start one with `ray start --head`, or pass its host:port"
            raise ConnectionError(f"{label}: no Ray cluster runs on this machine; {hint}") from error
        return cls(found, f"{label}, which is {found} on this machine", is_found=True)

    def check(self, timeout: float) -> None:
        """Check that a cluster answers, if there is to be one.

        Args:
            timeout: seconds until it must have answered.

        Raises:
            InputError: if the address is invalid.
            ConnectionError: if no cluster answers there in time, or it requires a token that this process does not use.
        """
        if self.text is None:
            return
        host, port = self._host_and_port(self.text)
        end = time.monotonic() + timeout
        try:
            _greet(host, port, timeout)
        except OSError as error:
            raise self.no_answer(f"{getattr(error, 'strerror', None) or error}, within {timeout:g} seconds") from None
        refused = _refusal(self.text, max(0.0, end - time.monotonic()))
        if refused is None:
            raise self.no_answer(f"a server accepts connections, but did not answer within {timeout:g} seconds")
        if NO_TOKEN not in refused:
            if refused:
                raise self.no_answer(OTHER_SERVER if UNKNOWN_CALL in refused else refused.splitlines()[-1])
        elif not self.is_found:  # ``ray.init`` uses the token of this machine for an address that it has found
            way_on = "set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN unless ~/.ray/auth_token is that of the cluster"
            raise ConnectionError(f"{self.label}: this Ray cluster requires its authentication token; {way_on}")

    def no_answer(self, reason: str) -> ConnectionError:
        """Return the error of an address without a cluster."""
        way_on = "if it has ended, `ray stop` removes its traces" if self.is_found else WAY_ON
        return ConnectionError(f"{self.label}: no Ray cluster answers there ({reason}); {way_on}")

    def _host_and_port(self, text: str) -> tuple[str, int]:
        if "://" in text:
            raise InputError(
                f"{self.label} must be 'auto' or host:port, because Ray Data does not work through a client or a dashboard: "
                "run on a machine of the cluster, such as by `ray job submit`"
            )
        host, colon, port = text.rpartition(":")
        if not colon or not port.isdecimal() or not host or int(port) > 65535:
            raise InputError(f"{self.label} must be 'auto' or host:port, such as 10.0.0.1:6379")
        return host.strip("[]"), int(port)


def _greet(host: str, port: int, timeout: float) -> None:
    """Check that a server of HTTP/2 answers, which finds most wrong addresses at once.

    Raises:
        OSError: if none answers in time.
    """
    is_encrypted = os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true")
    with socket.create_connection((host, port), timeout) as connection:
        if is_encrypted:
            return
        connection.sendall(HTTP2_GREETING)
        if connection.recv(4)[3:] != SETTINGS:
            raise OSError(OTHER_SERVER)


def _refusal(address: str, timeout: float) -> str | None:
    """Ask for the identity of a cluster; return Ray's error, "" if the cluster answers, or None if nothing does in time."""
    command = [sys.executable, "-I", "-c", QUESTION, address, *sys.path]
    try:
        asked = subprocess.run(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        return None
    return (asked.stderr.strip() or f"exit status {asked.returncode}") if asked.returncode else ""

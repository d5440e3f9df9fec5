"""Use files of the Hugging Face hub: those in its cache first, then a download."""

import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlsplit

import torch
from huggingface_hub import constants, utils

from saliency.core.errors import InputError, SaliencyError, one_line
from saliency.nets.connection_timeout import DEFAULT_SECONDS, connection_timeout
from saliency.nets.library_networks import LibraryName

T = TypeVar("T")


def load_from_library(name: LibraryName, load: Callable[[], T]) -> T:
    """Return the result of a function that reads a folder, or files of the hub. Torch's random generator is restored.

    For files of the hub, the function is first called in the hub's offline mode. If that fails, because a file is not in the
    cache, it is called again, and downloads.

    Args:
        name: name of the network.
        load: the function. It may be called twice.

    Raises:
        InputError: if the function fails, or a file is not in the cache and the hub cannot be reached.
    """
    with name.errors(), torch.random.fork_rng([]):
        return load() if name.is_folder else _cached_or_downloaded(name.full, load)


def _cached_or_downloaded(name: str, load: Callable[[], T]) -> T:
    try:
        with _offline():
            return load()
    except (SaliencyError, MemoryError):
        raise
    except Exception as error:  # each library raises different types for a missing file
        missing = one_line(error)
    problem = "HF_HUB_OFFLINE forbids downloads" if constants.HF_HUB_OFFLINE else _connection_problem()
    if problem is not None:
        raise InputError(
            f"`net` (={name!r}) cannot be loaded from the cache of the Hugging Face hub ({constants.HF_HUB_CACHE}): {missing} "
            f"And it cannot be downloaded: {problem}. Pass the network's folder, or `weights`"
        )
    with connection_timeout():
        return load()


@contextmanager
def _offline() -> Iterator[None]:
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
        getattr(utils, "reset_sessions", lambda: None)()  # sessions before huggingface_hub 1.0 keep the mode


def _connection_problem() -> str | None:
    """Return why the hub's server cannot be reached; None if it can, or a proxy is used. The hub itself retries for 25 s."""
    if urllib.request.getproxies():
        return None
    address = urlsplit(constants.ENDPOINT)
    try:
        socket.create_connection((address.hostname, address.port or 443), DEFAULT_SECONDS).close()
    except OSError as error:
        return f"{address.hostname}: {error}"
    return None

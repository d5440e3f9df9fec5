"""Find or download the weights of a Torch network when no file is given."""

import os
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import torch.hub

from saliency.core.errors import InputError
from saliency.nets.connection_timeout import connection_timeout


@dataclass(frozen=True)
class WeightsSource:
    """Locations of a network's weights.

    Args:
        file: name of the file in ``$DNNBRAIN_DATA/models``; None if DNNBrain does not have the network.
        url: address of torchvision's weights; None if torchvision does not have the network.
    """

    file: str | None
    url: str | None


def find_weights(name: str, source: WeightsSource) -> Path:
    """Return the weights file of a network.

    The first of these that exists: DNNBrain's file, torchvision's file in its cache, the same file downloaded into the cache.

    Args:
        name: of the network, for the error message.
        source: where to look.

    Raises:
        InputError: if no file exists and none can be downloaded; the message lists every location.
    """
    tried = []
    if source.file:
        data = os.environ.get("DNNBRAIN_DATA")
        file = Path(data or "$DNNBRAIN_DATA") / "models" / source.file
        if data and file.is_file():
            return file
        tried.append(f"{file}{'' if data else ' (DNNBRAIN_DATA is not set)'}")
    if source.url:
        cached = Path(torch.hub.get_dir()) / "checkpoints" / source.url.rpartition("/")[2]
        if cached.is_file():
            return cached
        failure = _download(source.url, cached)
        if failure is None:
            return cached
        tried += [str(cached), f"{source.url} ({failure})"]
    raise InputError(
        f"`net` (={name!r}) needs `weights`, a safetensors file or plain state dict; there is none at {'; '.join(tried)}"
    )


def _download(url: str, file: Path) -> str | None:
    """Download a file and return the reason of a failure, or None; a failed download leaves no partial file."""
    checksum = file.stem.rpartition("-")[2]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with connection_timeout():
            torch.hub.download_url_to_file(url, str(file), checksum, progress=True)
    except (OSError, HTTPException, RuntimeError) as error:
        return str(getattr(error, "reason", error))
    return None

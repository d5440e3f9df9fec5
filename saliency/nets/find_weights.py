"""Where the weights of a network in Torch are, when no file is given."""

import os
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import torch.hub

from saliency.core.errors import InputError
from saliency.nets.timeouts import patience


@dataclass(frozen=True)
class Source:
    """Where a network's weights may be.

    Args:
        file: name in ``$DNNBRAIN_DATA/models``; None where DNNBrain has none.
        url: of torchvision's; None where torchvision has none.
    """

    file: str | None
    url: str | None


def find_weights(name: str, source: Source) -> Path:
    """Return a network's file of weights: DNNBrain's, or else torchvision's from its cache, or else downloaded into it.

    Args:
        name: of the network, for the message.
        source: where to look.

    Raises:
        InputError: if there is none and none can be downloaded; it says where a file would be found.
    """
    places = []
    if source.file:
        data = os.environ.get("DNNBRAIN_DATA")
        file = Path(data or "$DNNBRAIN_DATA") / "models" / source.file
        if data and file.is_file():
            return file
        places.append(f"{file}{'' if data else ' (DNNBRAIN_DATA is not set)'}")
    if source.url:
        cached = Path(torch.hub.get_dir()) / "checkpoints" / source.url.rpartition("/")[2]
        if cached.is_file():
            return cached
        failure = _download(source.url, cached)
        if failure is None:
            return cached
        places += [str(cached), f"{source.url} ({failure})"]
    raise InputError(
        f"`net` (={name!r}) needs `weights`, a safetensors file or plain state dict; there is none at {'; '.join(places)}"
    )


def _download(url: str, file: Path) -> str | None:
    """Return what went wrong, if anything did; the file is whole or is not there."""
    checksum = file.stem.rpartition("-")[2]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with patience():
            torch.hub.download_url_to_file(url, str(file), checksum, progress=True)
    except (OSError, HTTPException, RuntimeError) as error:
        return str(getattr(error, "reason", error))
    return None

"""Read the record of a computation from the files that this package writes."""

import html
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from saliency.io.hdf5 import open_hdf5
from saliency.io.npz import PROVENANCE

MAX_TEXT_BYTES = 2**28  # of a PDF, an SVG or a page that is searched for a record
MARK = "versions"
"""An entry of every record."""

PDF_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
IN_PDF = re.compile(rb"/Subject \(((?:[^\\)]|\\.)*)\)", re.DOTALL)
IN_SVG = re.compile(rb"<dc:description>(.*?)</dc:description>", re.DOTALL)
IN_PAGE = re.compile(rb'<meta name="saliency" content="([^"]*)">')


class ProvenanceError(ValueError):
    """A file has no record of a computation."""


def read_provenance(file: str | Path) -> dict[str, Any]:
    """Return the record of the computation of a file.

    Args:
        file: ``.h5`` (also ``.act.h5``), ``.npz``, a ``.zarr`` folder, a figure (``.jpg``, ``.png``, ``.pdf``, ``.svg``), or
            the page of ``saliency report``.

    Returns:
        JSON values by name, such as ``method``, ``options``, ``network`` and ``weights_sha256``.

    Raises:
        ProvenanceError: if there is no record in the file, or its format is not one of these.
        ValueError: if the file is damaged.
        OSError: if it cannot be read.
    """
    path = Path(file)
    if path.suffix not in READERS:
        raise ProvenanceError(f"{path}: must be one of {', '.join(READERS)}")
    found = READERS[path.suffix](path)
    try:
        record = json.loads(found) if isinstance(found, str) else found
    except ValueError:
        record = None
    if not isinstance(record, Mapping) or MARK not in record:
        raise ProvenanceError(f"{path}: has no record of a computation by this package")
    return dict(record)


def _of_hdf5(path: Path) -> dict[str, Any]:
    with open_hdf5(path) as h5:
        return {name: _attribute(value) for name, value in h5.attrs.items()}


def _attribute(value: Any) -> Any:
    """Return an attribute as JSON; lists, dictionaries and null are stored as text."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, str) and (value[:1] in ("{", "[") or value == "null"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _of_npz(path: Path) -> str | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return str(arrays[PROVENANCE]) if PROVENANCE in arrays.files else None
    except OSError:
        raise
    except Exception as error:  # NumPy and zipfile raise anything
        raise ProvenanceError(f"{path}: is damaged ({type(error).__name__})") from error


def _of_zarr(path: Path) -> Any:
    with (path / "zarr.json").open("rb") as file:
        return json.loads(file.read(MAX_TEXT_BYTES)).get("attributes")


def _of_picture(key: str) -> Callable[[Path], str | None]:
    def read(path: Path) -> str | None:
        with Image.open(path) as image:
            text = image.info.get(key)
        return text.decode("utf-8", "replace") if isinstance(text, bytes) else text

    return read


def _of_text(pattern: re.Pattern[bytes], unescape: Callable[[str], str]) -> Callable[[Path], str | None]:
    def read(path: Path) -> str | None:
        with path.open("rb") as file:
            match = pattern.search(file.read(MAX_TEXT_BYTES))
        return None if match is None else unescape(match[1].decode("utf-8", "replace"))

    return read


def _unescape_pdf(text: str) -> str:
    return PDF_ESCAPE.sub(r"\1", text)


READERS: dict[str, Callable[[Path], Any]] = {
    ".h5": _of_hdf5,
    ".npz": _of_npz,
    ".zarr": _of_zarr,
    ".jpg": _of_picture("comment"),
    ".png": _of_picture("Description"),
    ".pdf": _of_text(IN_PDF, _unescape_pdf),
    ".svg": _of_text(IN_SVG, html.unescape),
    ".html": _of_text(IN_PAGE, html.unescape),
}
"""Suffix of a file -> the function that reads its record: JSON values by name, JSON text, or None."""

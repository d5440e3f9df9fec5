"""Matplotlib figures that render themselves in notebooks, and write vector files for print."""

import base64
import html
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from matplotlib import rc_context, rcParams
from matplotlib.figure import Figure

FONTS: Any = {"pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none"}
"""Text stays text: TrueType fonts in PDF and PostScript files, which journals ask for, and characters in SVG files."""

VECTOR_FORMATS = ("pdf", "svg", "svgz", "ps", "eps")
VECTOR_DPI = 300  # of the images within a vector file


RECORD_KEYS = {"png": "Description", "svg": "Description", "svgz": "Description", "pdf": "Subject"}
"""Format of a file -> the entry of its metadata that describes the figure, as in the files of the commands."""


class NotebookFigure(Figure):
    """A matplotlib figure that IPython shows as a picture, without pyplot and with any backend.

    ``record`` describes the computation of its masks, as JSON; files of the figure carry it. It is empty if none is known.
    """

    record: Mapping[str, Any] = MappingProxyType({})

    def savefig(self, fname: Any, *, transparent: Any = None, **options: Any) -> None:
        """Write the figure; a PDF, PostScript or SVG file keeps its text as text, and draws maps at 300 dpi.

        PNG, JPEG, PDF and SVG files carry the record of the computation, which ``saliency info`` prints.

        Args:
            fname, transparent, **options: as for ``matplotlib.figure.Figure.savefig``.
        """
        suffix = Path(fname).suffix[1:] if isinstance(fname, str | os.PathLike) else ""
        kind = str(options.get("format") or suffix or rcParams["savefig.format"]).lower()
        if kind in VECTOR_FORMATS:
            options.setdefault("dpi", VECTOR_DPI)
        self._add_record(kind, options)
        with rc_context(FONTS):
            super().savefig(fname, transparent=transparent, **options)

    def _add_record(self, kind: str, options: dict[str, Any]) -> None:
        """Add the record to the options of ``savefig``, unless the user describes the figure."""
        text = json.dumps(dict(self.record))
        if self.record and kind in RECORD_KEYS:
            options["metadata"] = {RECORD_KEYS[kind]: text, **(options.get("metadata") or {})}
        elif self.record and kind in ("jpg", "jpeg"):
            options["pil_kwargs"] = {"comment": text, **(options.get("pil_kwargs") or {})}

    def alternative_text(self) -> str:
        """Return the titles of the panels."""
        titles = filter(None, (axes.get_title().replace("\n", " ") for axes in self.axes))
        return "Pictures: " + ", ".join(titles)

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        """Return the PNG, with the titles as its alternative text."""
        return self._png(), {"alt": self.alternative_text()}

    def _repr_html_(self) -> str:
        """Return the same picture as HTML."""
        return self._html(self._png(), self.alternative_text())

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return both, drawn once."""
        return self.bundle(self.alternative_text())

    def bundle(self, alt: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the picture as PNG and as HTML, and its alternative text, as IPython's ``_repr_mimebundle_`` returns them."""
        png = self._png()
        return {"image/png": png, "text/html": self._html(png, alt)}, {"image/png": {"alt": alt}}

    def _png(self) -> bytes:
        buffer = io.BytesIO()  # no version number, so that the bytes do not depend on releases
        self.savefig(buffer, format="png", metadata={"Software": None, "Description": None})
        return buffer.getvalue()

    def _html(self, png: bytes, alt: str) -> str:
        source = base64.b64encode(png).decode("ascii")
        return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{source}">'

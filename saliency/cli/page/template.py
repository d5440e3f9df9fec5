"""The page as text: Jinja2's templates, which escape everything that is not ours."""

import argparse
import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import saliency
from saliency.cli.options import Refused
from saliency.cli.page.columns import Column
from saliency.cli.page.row import Row
from saliency.cli.page.thumbnails import KIND, stops

FOLDER = Path(__file__).parent / "templates"
SIGNED = {"signed": True, "strength": False}
"""Name of a scale in the style -> whether it has a sign."""


class Template:
    """The page's templates.

    Raises:
        Refused: if Jinja2 is not installed.
    """

    def __init__(self) -> None:
        try:
            from jinja2 import Environment, FileSystemLoader, StrictUndefined
        except ImportError:
            raise Refused("a report needs Jinja2: pip install 'saliency-masks[report]'") from None
        self._of = Environment(
            loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._rows = self._of.get_template("rows.html.jinja")

    def rows(self, rows: Iterable[Row], options: argparse.Namespace) -> str:
        """Return a block of rows as it stands in the page; a browser lays out the blocks that are near the screen."""
        return self._rows.render(rows=rows, options=options)

    def page(
        self, options: argparse.Namespace, network: str, columns: Sequence[Column], n: int, failed: int, rows: Iterable[str]
    ) -> Iterator[str]:
        """Yield the page, a piece at a time.

        Args:
            options: of the command.
            network: its name.
            columns: of the page.
            n: number of stimuli.
            failed: how many of them failed.
            rows: what ``rows`` returned, cut anywhere.
        """
        from markupsafe import Markup  # it comes with Jinja2

        style, script = _style(options.size), (FOLDER / "page.js").read_text(encoding="utf-8")
        told: dict[str, Any] = {"network": network, "columns": columns, "n": n, "failed": failed, "options": options}
        ours = {"style": Markup(style), "script": Markup(script), "rows": map(Markup, rows)}  # noqa: S704 - escaped before
        marks = {"style_mark": _mark(style), "script_mark": _mark(script), "kind": KIND, "version": saliency.__version__}
        return self._of.get_template("page.html.jinja").generate(**told, **ours, **marks)


def _style(size: int) -> str:
    scales = "".join(f".{name} {{ background: linear-gradient(90deg, {stops(signed)}) }}\n" for name, signed in SIGNED.items())
    return f":root {{ --size: {size}px }}\n{scales}" + (FOLDER / "page.css").read_text(encoding="utf-8")


def _mark(text: str) -> str:
    """Return what the page's policy knows our own text by: a browser runs no other, whatever a stimulus is called."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"

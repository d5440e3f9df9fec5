"""Render the page with Jinja2 templates, which escape all text that comes from the stimuli."""

import argparse
import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import saliency
from saliency.cli.image_targets import ImageTargets
from saliency.cli.options import CommandError
from saliency.cli.report.columns import Column, drawn_methods
from saliency.cli.report.row import Row
from saliency.cli.report.thumbnails import IMAGE_FORMAT, gradient_stops

FOLDER = Path(__file__).parent / "templates"
SCALES = {"signed": True, "strength": False}
"""CSS class of a color scale -> whether the scale is signed."""


@dataclass(frozen=True)
class PageSummary:
    """The facts of a run.

    Args:
        network: name of the network.
        n: number of stimuli.
        failed: number of failed stimuli.
        right, wrong: numbers of stimuli whose top class is, or is not, that of the stimulus file.
        rows_per_block: number of stimuli of a block of rows.
        record: describes the computation, as JSON.
        directions: metric -> whether larger values mean better maps; None if neither direction is better.
    """

    network: str
    n: int
    failed: int
    right: int
    wrong: int
    rows_per_block: int
    record: str
    directions: Mapping[str, bool | None]


class PageTemplate:
    """The templates of the page.

    Raises:
        CommandError: if Jinja2 is not installed.
    """

    def __init__(self) -> None:
        try:
            from jinja2 import Environment, FileSystemLoader, StrictUndefined
        except ImportError:
            raise CommandError("Jinja2 is not installed; run pip install 'saliency-masks[report]'") from None
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._rows = self._environment.get_template("rows.html.jinja")

    def rows(self, rows: Iterable[Row], options: argparse.Namespace, targets: ImageTargets) -> str:
        """Return the HTML of a block of rows. Browsers lay out only the blocks near the visible part of the page."""
        varies, methods = [choice.varies for choice in targets.choices], [method for method, _ in drawn_methods(options)]
        return self._rows.render(rows=rows, options=options, varies=varies, methods=methods)

    def page(
        self, options: argparse.Namespace, targets: ImageTargets, summary: PageSummary, rows: Iterable[str]
    ) -> Iterator[str]:
        """Yield the page, in chunks of text.

        Args:
            options: options of the command.
            targets: what is explained for each image.
            summary: the facts of the run.
            rows: the HTML of all blocks, in chunks that may end anywhere.
        """
        from markupsafe import Markup  # installed with Jinja2

        style, script = _style(options.size, len(options.metric)), (FOLDER / "page.js").read_text(encoding="utf-8")
        columns, choices = Column.all(options, targets.choices), targets.choices
        groups = [(targets.title(one), [each for each in columns if each.choice == one], one.varies) for one in choices]
        facts: dict[str, Any] = {"options": options, "layer": targets.layer, "labels": targets.labels, **vars(summary)}
        facts |= {"columns": columns, "groups": groups, "has_predictions": targets.layer.classifies}
        html = {"style": Markup(style), "script": Markup(script), "rows": map(Markup, rows)}  # noqa: S704 - already escaped
        hashes = {"style_hash": _csp_hash(style), "script_hash": _csp_hash(script)}
        page = self._environment.get_template("page.html.jinja")
        return page.generate(**facts, **html, **hashes, image_format=IMAGE_FORMAT, version=saliency.__version__)


def _style(size: int, lines: int) -> str:
    """Return the style of a page whose thumbnails have a size in pixels, and whose maps have lines of metrics."""
    scales = "".join(
        f".{name} {{ background: linear-gradient(90deg, {gradient_stops(signed)}) }}\n" for name, signed in SCALES.items()
    )
    return f":root {{ --size: {size}px; --lines: {lines} }}\n{scales}" + (FOLDER / "page.css").read_text(encoding="utf-8")


def _csp_hash(text: str) -> str:
    """Return the hash by which the content security policy allows a script or style; browsers run no other code."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"

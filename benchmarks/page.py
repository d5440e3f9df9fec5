"""Update the tables of pages from the results of a run: ``python -m benchmarks.page FOLDER PAGE.md ...``.

A table is between ``<!-- bench: NAME -->`` and ``<!-- bench: end -->``; NAME is ``full``, ``short`` or ``growth``.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from benchmarks import growth, plot, results, short, table

MARKS = re.compile(r"(<!-- bench: (full|short|growth) -->\n).*?(<!-- bench: end -->)", re.DOTALL)


def tables(folder: Path) -> dict[str, str]:
    """Return name -> table, for what a run has left in a folder."""
    runs = results.read(folder / results.FILE)
    found = {"full": table.page(runs), "short": short.page(runs)} if runs else {}
    file = folder / growth.FILE
    if file.exists():
        found["growth"] = growth.table([growth.Point(**point) for point in json.loads(file.read_text(encoding="utf-8"))])
    return found


def renewed(text: str, found: dict[str, str]) -> str:
    """Return a page with new tables; those that were not measured stay."""

    def new(match: re.Match[str]) -> str:
        inside = found.get(match[2])
        return match[0] if inside is None else f"{match[1]}\n{inside.strip()}\n\n{match[3]}"

    return MARKS.sub(new, text)


def main() -> None:
    """Renew pages, and the plots in ``images`` beside those that have the full table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("folder", type=Path, help="has results.json, growth.json or both")
    parser.add_argument("pages", type=Path, nargs="+", metavar="PAGE")
    options = parser.parse_args()
    found = tables(options.folder)
    for page in options.pages:
        text = page.read_text(encoding="utf-8")
        page.write_text(renewed(text, found), encoding="utf-8")
        if "<!-- bench: full -->" in text:
            for run in results.read(options.folder / results.FILE):
                plot.draw(run, page.parent / "images" / f"speed-{run.framework}.webp")


if __name__ == "__main__":
    main()

"""Update the tables of Markdown pages with the results of a run: ``python -m benchmarks.page FOLDER PAGE.md ...``.

A table is between ``<!-- bench: NAME -->`` and ``<!-- bench: end -->``; NAME is ``full``, ``short`` or ``growth``.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from benchmarks import full_table, growth, plot, results, summary_table

TABLE_MARKERS = re.compile(r"(<!-- bench: (full|short|growth) -->\n).*?(<!-- bench: end -->)", re.DOTALL)


def load_tables(folder: Path) -> dict[str, str]:
    """Return name -> table, from the results in a folder."""
    runs = results.read(folder / results.FILE)
    tables = {"full": full_table.full_page(runs), "short": summary_table.summary_page(runs)} if runs else {}
    file = folder / growth.FILE
    if file.exists():
        tables["growth"] = growth.growth_table(
            [growth.GrowthPoint(**point) for point in json.loads(file.read_text(encoding="utf-8"))]
        )
    return tables


def replace_tables(text: str, tables: dict[str, str]) -> str:
    """Return a page with its tables replaced; tables without new results stay."""

    def new_table(match: re.Match[str]) -> str:
        table = tables.get(match[2])
        return match[0] if table is None else f"{match[1]}\n{table.strip()}\n\n{match[3]}"

    return TABLE_MARKERS.sub(new_table, text)


def main() -> None:
    """Update pages, and the plots in the folder ``images`` next to a page with the full table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with results.json, growth.json or both")
    parser.add_argument("pages", type=Path, nargs="+", metavar="PAGE", help="Markdown page to update")
    options = parser.parse_args()
    tables = load_tables(options.folder)
    for page in options.pages:
        text = page.read_text(encoding="utf-8")
        page.write_text(replace_tables(text, tables), encoding="utf-8")
        if "<!-- bench: full -->" in text:
            for run in results.read(options.folder / results.FILE):
                plot.draw_ratios(run, page.parent / "images" / f"speed-{run.framework}.webp")


if __name__ == "__main__":
    main()

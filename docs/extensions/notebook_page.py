"""Show Examples.ipynb as a page, with its stored outputs; no cell is run."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from repository_links import links_from_docs
from sphinx.application import Sphinx

NOTEBOOK = Path(__file__).parents[2] / "Examples.ipynb"


def insert_notebook(app: Sphinx, page: str, content: list[str]) -> None:
    """Replace the content of the page with the notebook's name by the notebook's cells."""
    if page == NOTEBOOK.stem.lower():
        app.env.note_dependency(NOTEBOOK)
        cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
        content[0] = "\n\n".join(part for cell in cells for part in cell_markdown(cell))


def cell_markdown(cell: Mapping[str, Any]) -> Iterator[str]:
    """Yield a cell and its outputs as Markdown."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield links_from_docs(source)
        return
    yield f"```python\n{source}\n```"
    for output in cell["outputs"]:
        data = output.get("data", {})
        text = "".join(data.get("text/plain", output.get("text", ""))).rstrip()
        if "image/png" in data:
            yield f"![{' '.join(text.split())}](data:image/png;base64,{''.join(data['image/png'].split())})"
        elif text:
            yield f"```text\n{text}\n```"


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx's event for the source of a page."""
    app.connect("source-read", insert_notebook)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""The page of the notebook: Examples.ipynb as it is stored, with its pictures; nothing is run."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from repository import from_docs
from sphinx.application import Sphinx

NOTEBOOK = Path(__file__).parents[2] / "Examples.ipynb"


def read(app: Sphinx, page: str, content: list[str]) -> None:
    """Put the notebook's cells in the place of the page that is called as it is."""
    if page == NOTEBOOK.stem.lower():
        app.env.note_dependency(NOTEBOOK)
        cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
        content[0] = "\n\n".join(part for cell in cells for part in parts(cell))


def parts(cell: Mapping[str, Any]) -> Iterator[str]:
    """Yield a cell as Markdown, and what it gave."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield from_docs(source)
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
    """Listen for pages that are read."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

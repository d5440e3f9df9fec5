"""``python docs/notebook.py``: runs Examples.py, and writes it with what its cells give as Examples.ipynb."""

import argparse
import base64
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).parents[1]
GRAYS, COLORS = 48, 256  # of a stored picture: half of the bytes, and nothing that the eye misses
FIRST = 'flavour = "torch"'


def main(argv: Sequence[str] | None = None) -> int:
    """Run the notebook and write it; an error in a cell ends it."""
    parser = argparse.ArgumentParser(prog="docs/notebook.py", description=__doc__.partition(": ")[2])
    parser.add_argument("--flavour", choices=("torch", "tf"), default="torch", help="framework that is asked (default: torch)")
    parser.add_argument("--out", type=Path, default=ROOT / "Examples.ipynb", help="(default: Examples.ipynb)")
    options = parser.parse_args(argv)
    notebook = source(options.flavour)
    run(notebook)
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell["outputs"] = [kept(output) for output in cell.outputs]
    nbformat.validate(notebook)
    options.out.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    return 0


def run(notebook: Any) -> None:
    """Run all cells here at the top level, with this checkout's library."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    place = {"metadata": {"path": str(ROOT)}}
    client = NotebookClient(notebook, timeout=300, record_timing=False, coalesce_streams=True, resources=place)
    client.create_kernel_manager().transport = "ipc"  # no port is opened
    client.execute()


def source(flavour: str) -> Any:
    """Return the notebook without outputs; its cells are called by their place, so that nothing changes from run to run."""
    notebook = jupytext.read(ROOT / "Examples.py")
    for i, cell in enumerate(notebook.cells):
        cell["id"], cell["metadata"] = f"cell-{i:02}", {}
        if cell.cell_type == "code":
            cell["source"] = cell.source.replace(FIRST, f'flavour = "{flavour}"')
    return notebook


def few(picture: Image.Image) -> Image.Image:
    """Return a picture in few grays if it has no colors, or else in few colors, of which rare ones stay what they are."""
    red, green, blue = picture.split()
    if red.tobytes() == green.tobytes() == blue.tobytes():
        return red.quantize(GRAYS)
    return picture.quantize(COLORS, method=Image.Quantize.FASTOCTREE)


def kept(output: Any) -> Any:
    """Return an output with a smaller picture, told by its alternative text where there is one."""
    data = output.get("data", {})
    if "image/png" in data:
        buffer = io.BytesIO()
        with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as picture:
            few(picture.convert("RGB")).save(buffer, "PNG", optimize=True)
        data["image/png"] = base64.b64encode(buffer.getvalue()).decode()
        data["text/plain"] = output.metadata.get("image/png", {}).get("alt", "a picture")
    return output


if __name__ == "__main__":
    sys.exit(main())

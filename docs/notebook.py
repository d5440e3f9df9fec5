"""``python docs/notebook.py``: run Examples.py and write it, with the outputs of its cells, to Examples.ipynb."""

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
GRAYS, COLORS = 48, 256  # numbers of colors in a stored picture: half of the bytes, and no visible difference
FIRST = 'framework = "torch"'


def main(argv: Sequence[str] | None = None) -> int:
    """Run the notebook and write it. An error in a cell stops the run."""
    parser = argparse.ArgumentParser(prog="docs/notebook.py", description=__doc__.partition(": ")[2])
    parser.add_argument(
        "--framework", choices=("torch", "tf"), default="torch", help="framework of the networks (default: torch)"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "Examples.ipynb", help="(default: Examples.ipynb)")
    options = parser.parse_args(argv)
    notebook = source(options.framework)
    run(notebook)
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell["outputs"] = [kept(output) for output in cell.outputs]
    nbformat.validate(notebook)
    options.out.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    return 0


def run(notebook: Any) -> None:
    """Run all cells in the top folder of this checkout, with the checkout's library."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    place = {"metadata": {"path": str(ROOT)}}
    client = NotebookClient(notebook, timeout=300, record_timing=False, coalesce_streams=True, resources=place)
    client.create_kernel_manager().transport = "ipc"  # no port is opened
    client.execute()


def source(framework: str) -> Any:
    """Return the notebook without outputs. Cell ids are positions, so that they are the same in every run."""
    notebook = jupytext.read(ROOT / "Examples.py")
    for i, cell in enumerate(notebook.cells):
        cell["id"], cell["metadata"] = f"cell-{i:02}", {}
        if cell.cell_type == "code":
            cell["source"] = cell.source.replace(FIRST, f'framework = "{framework}"')
    return notebook


def few(picture: Image.Image) -> Image.Image:
    """Reduce a picture to a few grays if it has no colors, otherwise to a few colors, without changing rare colors."""
    red, green, blue = picture.split()
    if red.tobytes() == green.tobytes() == blue.tobytes():
        return red.quantize(GRAYS)
    return picture.quantize(COLORS, method=Image.Quantize.FASTOCTREE)


def kept(output: Any) -> Any:
    """Return an output with a smaller picture, and with the picture's alternative text as its plain text."""
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

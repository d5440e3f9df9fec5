"""``python docs/notebook.py``: run Examples.py and write it with its outputs as Examples.ipynb."""

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
GRAY_LEVELS, COLORS = 48, 256  # of a stored image: halves its size without a visible difference
FRAMEWORK_LINE = 'framework = "torch"'
QUICK = {
    "nmasks=200": "nmasks=10",
    "stride=6": "stride=15",
    "stride=5": "stride=15",
    "(3, 10, 30, 90)": "(3, 10)",
    "tolerance=0.01)": "tolerance=0.2)",
    "nsamples=24": "nsamples=4",
    "nsamples=8": "nsamples=2",
    "x_steps=12": "x_steps=3",
    '    "IntegratedGradients": saliency.IntegratedGradients,\n': "",
    '    "GradCAM": saliency.GradCAM,\n    "LayerCAM": saliency.LayerCAM,\n': "",
}
"""What `--quick` replaces in the source: fewer masks, windows, steps, copies and methods, to test that every cell runs."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the notebook and write it; stop at an error in a cell."""
    parser = argparse.ArgumentParser(prog="docs/notebook.py", description=__doc__.partition(": ")[2])
    parser.add_argument(
        "--framework", choices=("torch", "tf"), default="torch", help="framework of the networks (default: torch)"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "Examples.ipynb", help="output file (default: Examples.ipynb)")
    parser.add_argument("--quick", action="store_true", help="use fewer masks, windows, steps, copies and methods, as a test")
    options = parser.parse_args(argv)
    notebook = load_source(options.framework)
    if options.quick:
        shorten(notebook)
    run(notebook)
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell["outputs"] = [shrink_output(output) for output in cell.outputs]
    nbformat.validate(notebook)
    options.out.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    return 0


def run(notebook: Any) -> None:
    """Run all cells in the repository's root folder, with this checkout's library."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    os.environ["TQDM_DISABLE"] = "1"  # a slow machine draws no progress bars
    resources = {"metadata": {"path": str(ROOT)}}
    client = NotebookClient(notebook, timeout=300, record_timing=False, coalesce_streams=True, resources=resources)
    client.create_kernel_manager().transport = "ipc"  # opens no port
    client.execute()


def load_source(framework: str) -> Any:
    """Return the notebook without outputs. Cell ids are the cells' indices, so that they do not change between runs."""
    notebook = jupytext.read(ROOT / "Examples.py")
    for i, cell in enumerate(notebook.cells):
        cell["id"], cell["metadata"] = f"cell-{i:02}", {}
        if cell.cell_type == "code":
            cell["source"] = cell.source.replace(FRAMEWORK_LINE, f'framework = "{framework}"')
    return notebook


def shorten(notebook: Any) -> None:
    """Replace the values in ``QUICK``; exit with an error if one of them is no longer in the source."""
    for long, short in QUICK.items():
        cells = [cell for cell in notebook.cells if cell.cell_type == "code" and long in cell["source"]]
        if not cells:
            raise SystemExit(f"docs/notebook.py: no code cell contains {long!r}; update QUICK")
        for cell in cells:
            cell["source"] = cell["source"].replace(long, short)


def reduce_colors(picture: Image.Image) -> Image.Image:
    """Reduce an image to few gray levels if it is gray, else to few colors, such that rare colors are preserved."""
    red, green, blue = picture.split()
    if red.tobytes() == green.tobytes() == blue.tobytes():
        return red.quantize(GRAY_LEVELS)
    return picture.quantize(COLORS, method=Image.Quantize.FASTOCTREE)


def shrink_output(output: Any) -> Any:
    """Return an output with its image reduced, and the image's alternative text as its text."""
    data = output.get("data", {})
    if "image/png" in data:
        buffer = io.BytesIO()
        with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as picture:
            reduce_colors(picture.convert("RGB")).save(buffer, "PNG", optimize=True)
        data["image/png"] = base64.b64encode(buffer.getvalue()).decode()
        data.pop("text/html", None)  # the same picture
        data["text/plain"] = output.metadata.get("image/png", {}).get("alt", "a picture")
    return output


if __name__ == "__main__":
    sys.exit(main())

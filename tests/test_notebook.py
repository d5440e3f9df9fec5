"""The notebook runs from top to bottom in both frameworks, and the committed notebook matches Examples.py."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_BYTES = 10**6

pytestmark = [pytest.mark.needs(module) for module in ("nbclient", "ipykernel", "jupytext")]


def read(path):
    import nbformat

    assert path.stat().st_size < MOST_BYTES
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    return notebook


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def kinds(notebook):
    """Return the types of each cell's outputs: text, a picture, printed lines."""
    return [
        [sorted(output.get("data", [output.output_type])) for output in cell.get("outputs", [])] for cell in notebook.cells
    ]


@pytest.mark.parametrize(
    "framework",
    [pytest.param("torch", marks=pytest.mark.needs("torch")), pytest.param("tf", marks=pytest.mark.needs("tensorflow"))],
)
def test_it_runs_from_end_to_end(framework, tmp_path):
    command = [sys.executable, "docs/notebook.py", "--framework", framework, "--out", str(tmp_path / "run.ipynb")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]
    found = read(tmp_path / "run.ipynb")
    assert all(output.output_type != "error" and output.get("name") != "stderr" for output in outputs(found))
    assert kinds(found)[:-1] == kinds(read(ROOT / "Examples.ipynb"))[:-1]  # the last one is a network that need not be there
    assert f'framework = "{framework}"' in found.cells[1].source


def test_what_is_kept_is_of_this_text():
    import jupytext

    kept, text = read(ROOT / "Examples.ipynb"), jupytext.read(ROOT / "Examples.py")
    assert [(cell.cell_type, cell.source) for cell in kept.cells] == [(cell.cell_type, cell.source) for cell in text.cells]
    assert [cell.id for cell in kept.cells] == [f"cell-{i:02}" for i in range(len(kept.cells))]
    assert [cell.execution_count for cell in kept.cells if cell.cell_type == "code"] == list(
        range(1, 1 + sum(cell.cell_type == "code" for cell in kept.cells))
    )


def test_what_is_kept_says_nothing_of_the_machine():
    kept = read(ROOT / "Examples.ipynb")
    assert set(kept.metadata) == {"kernelspec", "language_info"} and all(not cell.metadata for cell in kept.cells)
    told = [str({**output.get("data", {}), "image/png": ""}) + output.get("text", "") for output in outputs(kept)]
    assert not re.search(r"/(home|root|tmp|usr|work)/|0x[0-9a-f]{6}|20\d\d-\d\d", " ".join(told))


def test_every_picture_has_its_words():
    pictures = [output for output in outputs(read(ROOT / "Examples.ipynb")) if "image/png" in output.get("data", {})]
    assert len(pictures) > 15
    for output in pictures[1:]:  # the first is Pillow's own
        assert output.data["text/plain"] == output.metadata["image/png"]["alt"]

"""The examples in the documentation run unchanged, each page from top to bottom."""

import ast
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import saliency
from saliency import nets

README = Path(__file__).parents[1] / "README.md"
DOCS = README.parent / "docs"
FRAMEWORK = {
    "keras": "tensorflow",
    "tf_keras": "tensorflow",
    "saliency.tf": "tensorflow",
    "saliency.cli.dnn_saliency": "torch",
}
"""An imported module -> the framework that it needs."""

LOADERS = ("nets.load", "nets.untrained", "nets.unfilled")
"""Functions that load a network. A page that calls one needs the network's framework."""

IGNORED = {
    "own_network": "ignore:__array__ implementation:DeprecationWarning",  # raised by Keras when it saves a model
    "captum": r"ignore:Setting (backward|forward, backward) hooks:UserWarning",  # raised by Captum
}
"""Page -> a warning of another library to ignore."""


def code(text):
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def blocks(page):
    return code(page.read_text(encoding="utf-8"))


def modules(page):
    """Return the modules that the examples of a page need: imports, and frameworks of loaded networks."""
    found = set()
    for block in blocks(page):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module)
            elif isinstance(node, ast.Call) and ast.unparse(node.func).removeprefix("saliency.") in LOADERS:
                found.add("tensorflow" if "'tf'" in ast.unparse(node) else "torch")
    frameworks = {FRAMEWORK[name] for name in found if name in FRAMEWORK}
    top = {name.partition(".")[0] for name in found}
    return sorted((top | frameworks) - {"saliency"} - sys.stdlib_module_names)


def files(page):
    """Return the files of user-defined networks on a page: name -> text."""
    text = page.read_text(encoding="utf-8")
    return {name: block for block, name in re.findall(r"^```text\n(# (\w+\.py)\n.*?)^```", text, re.DOTALL | re.MULTILINE)}


PAGES = [README, *sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts and blocks(page))]


def marked(page):
    marks = [pytest.mark.needs(*modules(page))]
    if page.stem in IGNORED:
        marks.append(pytest.mark.filterwarnings(IGNORED[page.stem]))
    return pytest.param(page, marks=marks, id=str(page.relative_to(README.parent)))


@pytest.mark.parametrize("page", [marked(page) for page in PAGES])
def test_examples_run_and_compute_a_mask(page, tmp_path, monkeypatch):
    (tmp_path / "saliency").symlink_to(DOCS.parent / "saliency")  # examples run from the repository's root folder
    monkeypatch.chdir(tmp_path)  # examples write files here
    names = {}
    for block in blocks(page):
        names.pop("mask", None)
        exec(block, names)  # noqa: S102 - our own page
        assert names["mask"].max() > 0


@pytest.mark.needs("tensorflow")
@pytest.mark.filterwarnings(IGNORED["own_network"])
@pytest.mark.parametrize("page", ["own_network", "regression", "segmentation", "several_inputs"])
def test_a_section_on_keras_runs_by_itself(page):
    text = (DOCS / "howto" / f"{page}.md").read_text(encoding="utf-8")
    section = re.search(r"^## Keras\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)[1]
    names = {}
    for block in code(section):
        exec(block, names)  # noqa: S102 - our own page
    assert names["mask"].max() > 0


@pytest.mark.parametrize(
    ("page", "needed"),
    [
        ("tensorflow", {"keras", "numpy", "tensorflow"}),
        ("keras-vis", {"keras", "numpy", "tensorflow", "torch"}),
        ("methods/occlusion", {"PIL", "sklearn", "torch"}),
    ],
)
def test_needed_modules_are_derived_from_the_examples(page, needed):
    assert needed == set(modules(DOCS / f"{page}.md"))


@pytest.mark.parametrize(
    ("file", "function", "shape"),
    [
        pytest.param("mine.py", "Small", (3, 32, 32), marks=pytest.mark.needs("torch")),
        pytest.param("gray_torch.py", "Gray", (1, 32, 32), marks=pytest.mark.needs("torch")),
        pytest.param("gray_keras.py", "gray", (32, 32, 1), marks=pytest.mark.needs("tensorflow")),
    ],
)
def test_files_on_the_page_of_networks_define_networks(file, function, shape, tmp_path):
    (tmp_path / file).write_text(files(DOCS / "networks.md")[file])
    network = nets.load(f"{tmp_path / file}:{function}")
    x = network.prepare(Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)))
    mask = saliency.Vanilla(network.model, 3).GetMask(x)
    assert x.shape == mask.shape == shape
    assert np.abs(mask).max() > 0


def test_the_readme_counts_every_method():
    public = {name: getattr(saliency, name) for name in saliency.__all__}  # imported when they are first used
    kinds = {name for name, kind in public.items() if isinstance(kind, type) and issubclass(kind, saliency.SaliencyMask)}
    listed = set(re.findall(r"`(\w+)`", re.search(r"## Methods\n(.*?)\n## ", README.read_text(), re.DOTALL)[1]))
    assert kinds - {"SaliencyMask"} <= listed
    assert f"Each of the {len(kinds) - 1} methods" in README.read_text()


def test_first_steps_lists_every_extra_for_users():
    project = (README.parent / "pyproject.toml").read_text(encoding="utf-8")
    section = re.search(r"^\[project.optional-dependencies\]\n(.*?)^\[project", project, re.DOTALL | re.MULTILINE)[1]
    extras = set(re.findall(r"^(\w+) = \[", section, re.MULTILINE))
    table = re.search(r"^\| extra \|.*?\n\n", (DOCS / "first_steps.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[
        0
    ]
    rows = [line.split("|")[1] for line in table.strip().splitlines()[2:]]
    listed = re.findall(r"`(\w+)`", " ".join(rows))
    assert sorted(listed) == sorted(extras - {"train", "docs", "dev"})

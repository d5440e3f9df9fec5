"""The examples in the documentation run as they are, each page from top to bottom."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {
    "dnnbrain": pytest.param("dnnbrain"),
    "keras-vis": pytest.param("keras-vis", marks=pytest.mark.needs("torch", "tensorflow")),
    "methods": pytest.param("methods", marks=pytest.mark.needs("torch")),
    "tensorflow": pytest.param("tensorflow", marks=pytest.mark.needs("tensorflow")),
}


def blocks(page):
    return re.findall(r"```python\n(.*?)```", (DOCS / f"{page}.md").read_text(encoding="utf-8"), re.DOTALL)


def test_every_page_with_examples_is_run():
    assert {page.stem for page in DOCS.glob("*.md") if blocks(page.stem)} == set(PAGES)


@pytest.mark.parametrize("page", PAGES.values())
def test_the_examples_run_and_find_something(page):
    names = {}
    for block in blocks(page):
        names.pop("mask", None)
        exec(block, names)  # noqa: S102 - our own page
        assert names["mask"].max() > 0

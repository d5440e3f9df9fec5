"""The examples in the documentation run as they are."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
BLOCKS = re.findall(r"```python\n(.*?)```", (DOCS / "methods.md").read_text(encoding="utf-8"), re.DOTALL)


def test_there_are_examples():
    assert BLOCKS


@pytest.mark.parametrize("block", BLOCKS)
def test_an_example_runs_and_finds_something(block):
    names = {}
    exec(block, names)  # noqa: S102 - our own page
    assert names["mask"].max() > 0

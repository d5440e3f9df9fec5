"""The examples in the documentation run as they are, each page from top to bottom."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {
    "howto/big_images": pytest.param("howto/big_images", marks=pytest.mark.needs("torch")),
    "howto/cluster": pytest.param("howto/cluster", marks=pytest.mark.needs("torch")),
    "howto/gpu": pytest.param("howto/gpu", marks=pytest.mark.needs("torch", "tensorflow")),
    "howto/own_network": pytest.param(
        "howto/own_network",
        marks=[
            pytest.mark.needs("torch", "tensorflow"),
            pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras's, when it saves a model
        ],
    ),
    "howto/regression": pytest.param("howto/regression", marks=pytest.mark.needs("torch", "tensorflow")),
    "howto/segmentation": pytest.param("howto/segmentation", marks=pytest.mark.needs("torch", "tensorflow")),
    "howto/several_inputs": pytest.param("howto/several_inputs", marks=pytest.mark.needs("torch", "tensorflow")),
    "dnnbrain": pytest.param("dnnbrain"),
    "keras-vis": pytest.param("keras-vis", marks=pytest.mark.needs("torch", "tensorflow")),
    "methods": pytest.param("methods", marks=pytest.mark.needs("torch")),
    "which_method": pytest.param("which_method", marks=pytest.mark.needs("torch")),
    "moving/captum": pytest.param(
        "moving/captum",
        marks=[
            pytest.mark.needs("torch", "captum"),
            pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU:UserWarning"),  # Captum's
        ],
    ),
    "moving/pair": pytest.param("moving/pair", marks=pytest.mark.needs("tensorflow")),
    "moving/pytorch_grad_cam": pytest.param("moving/pytorch_grad_cam", marks=pytest.mark.needs("torch", "pytorch_grad_cam")),
    "tensorflow": pytest.param("tensorflow", marks=pytest.mark.needs("tensorflow")),
}


def blocks(page):
    return re.findall(r"```python\n(.*?)```", (DOCS / f"{page}.md").read_text(encoding="utf-8"), re.DOTALL)


def test_every_page_with_examples_is_run():
    pages = (page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.md"))
    assert {page for page in pages if blocks(page)} == set(PAGES)


@pytest.mark.parametrize("page", PAGES.values())
def test_the_examples_run_and_find_something(page):
    names = {}
    for block in blocks(page):
        names.pop("mask", None)
        exec(block, names)  # noqa: S102 - our own page
        assert names["mask"].max() > 0

"""Adapt links of pages that include files from elsewhere in the repository."""

import posixpath
import re

from sphinx.application import Sphinx

PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "Examples.ipynb": "examples.md",
    "README.md": "first_steps.md",
    "saliency/core/README.md": "design.md",
    "training/README.md": "training.md",
}
"""A file of the repository -> the page that includes it."""

LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)")
PATH = re.compile(r"\[([\w/.-]+\.(?:md|ipynb))\]\(\1\)")


def links_from_docs(text: str) -> str:
    """Convert links relative to the repository's root to links relative to the folder ``docs``.

    A link whose text is its path gets the page's title as its text.
    """
    return LINK.sub(lambda link: _path_from_docs(link[1]), PATH.sub(r"[](\1)", text))


def _path_from_docs(path: str) -> str:
    return PAGES.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else f"../{path}")


def link_to_pages(app: Sphinx, page: str, content: list[str]) -> None:
    """Replace a page's links to included files by links to the pages that include them."""
    folder = posixpath.dirname(f"docs/{page}")
    content[0] = LINK.sub(lambda link: _path_of_page(folder, link[1]), content[0])


def _path_of_page(folder: str, path: str) -> str:
    including = PAGES.get(posixpath.normpath(posixpath.join(folder, path)))
    return path if including is None else posixpath.relpath(f"docs/{including}", folder)


def convert_included(app: Sphinx, path: object, page: str, content: list[str]) -> None:
    """Convert the links of an included file."""
    content[0] = links_from_docs(content[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx's events for the sources of pages and of included files."""
    app.connect("source-read", link_to_pages)
    app.connect("include-read", convert_included)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Pages that stand elsewhere in the repository are included, and their links lead to pages of the site, or to the files."""

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
"""A file of the repository -> the page that shows it."""

LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)")


PATH = re.compile(r"\[([\w/.-]+\.(?:md|ipynb))\]\(\1\)")


def from_docs(text: str) -> str:
    """Return Markdown whose links count from the repository's root with links that count from the folder of the docs.

    A link that shows a path shows the page's title.
    """
    return LINK.sub(lambda link: _from_docs(link[1]), PATH.sub(r"[](\1)", text))


def _from_docs(path: str) -> str:
    return PAGES.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else f"../{path}")


def read(app: Sphinx, page: str, content: list[str]) -> None:
    """Let a page's links to files that other pages show lead to these pages."""
    folder = posixpath.dirname(f"docs/{page}")
    content[0] = LINK.sub(lambda link: _to_page(folder, link[1]), content[0])


def _to_page(folder: str, path: str) -> str:
    shown = PAGES.get(posixpath.normpath(posixpath.join(folder, path)))
    return path if shown is None else posixpath.relpath(f"docs/{shown}", folder)


def included(app: Sphinx, path: object, page: str, content: list[str]) -> None:
    """Change the links of a file that is included."""
    content[0] = from_docs(content[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Listen for pages that are read, and for files that are included."""
    app.connect("source-read", read)
    app.connect("include-read", included)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

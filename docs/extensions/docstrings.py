"""Docstrings and signatures as the house writes them: an asterisk is one, as in (N, *input), and no mark-up."""

import re

from sphinx.application import Sphinx

LITERAL = re.compile(r"(``.+?``)")


def escape(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Escape the asterisks that are not within a literal."""
    for i, line in enumerate(lines):
        pieces = LITERAL.split(line)  # literals at the odd places
        lines[i] = "".join(piece if k % 2 else piece.replace("*", r"\*") for k, piece in enumerate(pieces))


def parsed(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """Put dots where a default is made anew each time, as of a dataclass: ``<factory>`` is no Python, and can't be set."""
    return None if signature is None else (signature.replace("<factory>", "..."), returns)


def setup(app: Sphinx) -> dict[str, bool]:
    """Listen for docstrings, before napoleon does, and for signatures."""
    app.connect("autodoc-process-docstring", escape, priority=100)
    app.connect("autodoc-process-signature", parsed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

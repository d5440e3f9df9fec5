"""Adapt docstrings and signatures for Sphinx: asterisks, as in (N, *input), are not markup."""

import re

from sphinx.application import Sphinx

LITERAL = re.compile(r"(``.+?``)")


def escape_asterisks(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Escape asterisks outside literals."""
    for i, line in enumerate(lines):
        pieces = LITERAL.split(line)  # literals have odd indices
        lines[i] = "".join(piece if k % 2 else piece.replace("*", r"\*") for k, piece in enumerate(pieces))


def replace_factories(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """Replace ``<factory>``, the default of a dataclass field with a factory, by dots: it is not valid Python."""
    return None if signature is None else (signature.replace("<factory>", "..."), returns)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to autodoc's events, for docstrings before napoleon."""
    app.connect("autodoc-process-docstring", escape_asterisks, priority=100)
    app.connect("autodoc-process-signature", replace_factories)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

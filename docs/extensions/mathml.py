"""Formulas as MathML, which browsers draw themselves: no script, no font and no network is needed to read them."""

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx


def inline(translator: Any, node: nodes.math) -> None:
    """Write a formula in a line."""
    _write(translator, node, "inline")


def block(translator: Any, node: nodes.math_block) -> None:
    """Write a formula in a line of its own."""
    _write(translator, node, "block")


def _write(translator: Any, node: nodes.Element, display: str) -> None:
    translator.body.append(convert(node.astext().strip(), display=display))
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer, which Sphinx then takes."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.connect("config-inited", lambda _, config: setattr(config, "html_math_renderer", "mathml"))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

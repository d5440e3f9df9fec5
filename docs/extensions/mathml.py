"""Render formulas as MathML, which browsers display without scripts, fonts or a network."""

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx


def write_inline(translator: Any, node: nodes.math) -> None:
    """Write an inline formula."""
    _write(translator, node, "inline")


def write_block(translator: Any, node: nodes.math_block) -> None:
    """Write a displayed formula."""
    _write(translator, node, "block")


def _write(translator: Any, node: nodes.Element, display: str) -> None:
    translator.body.append(convert(node.astext().strip(), display=display))
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer and select it."""
    app.add_html_math_renderer("mathml", (write_inline, None), (write_block, None))
    app.connect("config-inited", lambda _, config: setattr(config, "html_math_renderer", "mathml"))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

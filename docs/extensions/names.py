"""Names in signatures: ours lead to where they are documented, and those of other libraries lead nowhere."""

from pydoc import locate
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

OURS = "saliency."


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.Element) -> nodes.Element | None:
    """Return a link to an object of ours, whatever its name here, or the text alone where it is another library's.

    ``saliency.core.mask.SaliencyMask``, as a signature has it, is documented as ``saliency.SaliencyMask``. One of ours that
    is documented nowhere stays unresolved, and is a warning.
    """
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    objects: Any = env.domains.python_domain.objects
    for name in _alike(objects, target):
        uri = f"{app.builder.get_relative_uri(node['refdoc'], objects[name].docname)}#{objects[name].node_id}"
        return nodes.reference("", "", text, internal=True, refuri=uri)
    return None if target.startswith(OURS) else text


def _alike(objects: Any, target: str) -> list[str]:
    """Return the documented names of what is meant, the shortest first; a word alone means the first that ends in it."""
    names = sorted((name for name in objects if name.rpartition(".")[2] == target.rpartition(".")[2]), key=_length)
    if target.startswith(OURS):
        return [name for name in names if locate(name) is locate(target)]
    return [] if "." in target else names


def _length(name: str) -> tuple[int, str]:
    return name.count("."), name


def anchors(app: Sphinx, page: nodes.document) -> None:
    """Let a link such as ``api/masks.md#saliency.Vanilla`` ask for the object, which must be documented."""
    for link in page.findall(pending_xref):
        anchor = link.get("reftargetid") or ""
        if link.get("reftype") == "myst" and anchor.startswith(OURS):
            link.attributes.update(refdomain="py", reftype="obj", reftarget=anchor, refexplicit=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Listen for pages that were read, and for names that Sphinx finds nowhere."""
    app.connect("doctree-read", anchors)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

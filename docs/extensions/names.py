"""Names in signatures: ours lead to where they are documented, and those of other libraries lead nowhere."""

from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

OURS = "saliency"


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.Element) -> nodes.Element | None:
    """Return a link to an object by its last name, or the text alone where it is another library's.

    ``saliency.core.mask.SaliencyMask``, as a signature has it, is documented as ``saliency.SaliencyMask``. One of ours that
    is documented nowhere stays unresolved, and is a warning.
    """
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    found = _documented(env, target.rpartition(".")[2])
    if found is not None and (target.startswith(f"{OURS}.") or "." not in target):
        docname, anchor = found
        return _link(app, node, docname, anchor, text)
    return None if target.startswith(f"{OURS}.") else text


def _documented(env: BuildEnvironment, name: str) -> tuple[str, str] | None:
    """Return the page and the anchor of the object that is called so, the one nearest to the top."""
    objects: Any = env.domains.python_domain.objects
    full = sorted((key for key in objects if key.rpartition(".")[2] == name), key=lambda key: (key.count("."), key))
    return (objects[full[0]].docname, objects[full[0]].node_id) if full else None


def _link(app: Sphinx, node: pending_xref, docname: str, anchor: str, text: nodes.Element) -> nodes.Element:
    uri = f"{app.builder.get_relative_uri(node['refdoc'], docname)}#{anchor}"
    return nodes.reference("", "", text, internal=True, refuri=uri)


def objects(app: Sphinx, page: nodes.document) -> None:
    """Let a link such as ``api/masks.md#saliency.Vanilla`` ask for the object, which must be documented."""
    for link in page.findall(pending_xref):
        anchor = link.get("reftargetid") or ""
        if link.get("reftype") == "myst" and anchor.startswith(f"{OURS}."):
            link.attributes.update(refdomain="py", reftype="obj", reftarget=anchor, refexplicit=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Listen for names that Sphinx finds nowhere."""
    app.connect("doctree-read", objects)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Link names in signatures to their documentation; names of other libraries stay plain text."""

from pydoc import locate
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

PACKAGE = "saliency."


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.Element) -> nodes.Element | None:
    """Return a link to this package's object under its documented name, or the plain text for another library's.

    For example, ``saliency.core.mask.SaliencyMask`` in a signature is documented as ``saliency.SaliencyMask``. An undocumented
    object of this package stays unresolved, which is a warning.
    """
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    objects: Any = env.domains.python_domain.objects
    for name in _documented_names(objects, target):
        uri = f"{app.builder.get_relative_uri(node['refdoc'], objects[name].docname)}#{objects[name].node_id}"
        return nodes.reference("", "", text, internal=True, refuri=uri)
    return None if target.startswith(PACKAGE) else text


def _documented_names(objects: Any, target: str) -> list[str]:
    """Return the documented names of an object, shortest first; a bare name matches every object with that last part."""
    names = sorted((name for name in objects if name.rpartition(".")[2] == target.rpartition(".")[2]), key=_sort_key)
    if target.startswith(PACKAGE):
        return [name for name in names if locate(name) is locate(target)]
    return [] if "." in target else names


def _sort_key(name: str) -> tuple[int, str]:
    return name.count("."), name


def resolve_anchors(app: Sphinx, page: nodes.document) -> None:
    """Turn links such as ``api/masks.md#saliency.Vanilla`` into references to the object, which must be documented."""
    for link in page.findall(pending_xref):
        anchor = link.get("reftargetid") or ""
        if link.get("reftype") == "myst" and anchor.startswith(PACKAGE):
            link.attributes.update(refdomain="py", reftype="obj", reftarget=anchor, refexplicit=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx's events for pages that were read and for unresolved references."""
    app.connect("doctree-read", resolve_anchors)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

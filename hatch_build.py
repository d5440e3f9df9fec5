"""Put the pages of the documentation into the wheel, where ``saliency help`` finds them."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class DocumentationHook(BuildHookInterface):
    """Add ``docs/**/*.md`` as ``saliency/help``, without pictures and the generated site."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the pages, unless the checkout itself is installed, whose ``docs`` are used."""
        if version == "editable":
            return
        docs = Path(self.root) / "docs"
        for page in sorted(docs.rglob("*.md")):
            if "_build" not in page.parts:
                build_data["force_include"][str(page)] = f"saliency/help/{page.relative_to(docs).as_posix()}"

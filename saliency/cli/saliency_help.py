"""``saliency help``: print a page of the documentation."""

import sys
from collections.abc import Sequence
from pathlib import Path

import saliency
from saliency.cli.command_runner import run_command
from saliency.cli.options import CommandError, OptionParser
from saliency.core.layer_hint import layer_hint

DESCRIPTION = """Print a page of the documentation, as Markdown. Without a topic, list all pages."""
USAGE = "saliency help [Topic]"
EXAMPLE = """example:
  saliency help networks"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the given arguments (None: those of the process) and return its exit status."""
    return run_command("saliency help", _run, argv, "interrupted")


def _run(arguments: list[str]) -> int:
    parser = OptionParser(prog="saliency help", usage=USAGE, description=DESCRIPTION, epilog=EXAMPLE)
    parser.add_argument("topic", nargs="?", metavar="Topic", help="name of the page, such as networks or methods/rise")
    parser.add_debug_option()
    topic, pages = parser.parse(arguments).topic, find_pages()
    if topic is None:
        width = max(map(len, pages))
        print("\n".join(f"{name:<{width}}  {_title(page)}" for name, page in pages.items()))
    else:
        print(_page(topic, pages).read_text(encoding="utf-8"))
    return 0


def find_pages() -> dict[str, Path]:
    """Return the pages by name: those of the installed package, or of the checkout.

    Raises:
        CommandError: if there are none, as in a copy of the package alone.
    """
    package = Path(saliency.__file__).parent
    folder = next((one for one in (package / "help", package.parent / "docs") if (one / "networks.md").is_file()), None)
    if folder is None:
        raise CommandError(f"the pages of the documentation are not installed with {package}")
    names = {page.relative_to(folder).with_suffix("").as_posix(): page for page in sorted(folder.rglob("*.md"))}
    return {name: page for name, page in names.items() if not name.startswith("_build/") and _title(page)}


def _page(topic: str, pages: dict[str, Path]) -> Path:
    """Return the page of a topic: its name, its last part, or its path in the documentation."""
    wanted = topic.removeprefix("docs/").removesuffix(".md").lower()
    found = [name for name in pages if wanted in (name, name.rpartition("/")[2])]
    if not found:
        raise CommandError(f"there is no page {topic}; {layer_hint(wanted, pages)}")
    return pages[wanted if wanted in found else found[0]]


def _title(page: Path) -> str:
    lines = page.read_text(encoding="utf-8").splitlines()
    return next((line.lstrip("# ").strip() for line in lines if line.startswith("# ")), "")


if __name__ == "__main__":
    sys.exit(main())

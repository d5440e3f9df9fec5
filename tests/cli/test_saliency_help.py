"""``saliency help`` prints the pages of the documentation; messages name pages that exist."""

import re
from pathlib import Path

import saliency
from saliency.cli.main import main
from saliency.cli.saliency_help import find_pages

PACKAGE = Path(saliency.__file__).parent


def test_pages_are_listed_and_printed(capsys):
    assert main(["help"]) == 0
    listed = capsys.readouterr().out
    assert re.search(r"^networks +Networks$", listed, re.MULTILINE) and re.search(
        r"^methods/rise +RISE$", listed, re.MULTILINE
    )
    for topic in ("networks", "docs/networks.md", "Networks"):
        assert main(["help", topic]) == 0
        assert capsys.readouterr().out.startswith("# Networks\n")
    assert main(["help", "rise"]) == 0 and capsys.readouterr().out.startswith("# RISE\n")
    assert main(["help", "netvorks"]) == 2 and "there is no page netvorks; nearest: networks" in capsys.readouterr().err


def test_messages_name_pages_that_exist():
    texts = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    strings = [text for path, text in texts.items() if path.name != "saliency_help.py"]
    topics = {topic for text in strings for topic in re.findall(r"saliency help ([a-z_/]+)", text)}
    assert "networks" in topics and topics <= set(find_pages())


def test_a_copy_without_pages_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(saliency, "__file__", str(tmp_path / "saliency" / "__init__.py"))
    assert main(["help", "networks"]) == 2
    assert "the pages of the documentation are not installed with" in capsys.readouterr().err

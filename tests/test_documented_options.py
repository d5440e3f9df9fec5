"""The commands in the documentation are there, and know the options that they are given. What they do is tested elsewhere."""

import re
import shlex
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from saliency.cli.options import CommandError

ROOT = Path(__file__).parents[1]
PAGES = [*(page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts), *ROOT.glob("*.md")]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in sorted(PAGES))
BLOCKS = re.findall(r"^ *```([^\n]*)\n(.*?)^ *```", TEXT, re.DOTALL | re.MULTILINE)  # a label and what it is of
SHELL = "\n".join(text for label, text in BLOCKS if label in ("", "sh", "text")).replace("\\\n", " ")
MODULES = {"dnn_act": "dnn_act", "dnn_mask": "dnn_mask", "dnn_saliency": "dnn_saliency", "saliency report": "saliency_report",
           "saliency compare": "saliency_compare"}  # fmt: skip
LINES = sorted(set(re.findall(rf"^(?:\$ |\.venv/bin/)?((?:{'|'.join(MODULES)}) -.*)$", SHELL, re.MULTILINE)))


def parser(line):
    """Return a command's parser, and its arguments."""
    name = next(name for name in MODULES if line.startswith(f"{name} "))
    arguments = shlex.split(line.removeprefix(name), comments=True)
    return import_module(f"saliency.cli.{MODULES[name]}")._parser(), arguments


def test_every_command_is_shown():
    assert {name for name in MODULES for line in LINES if line.startswith(f"{name} ")} == set(MODULES)


@pytest.mark.parametrize("line", LINES)
def test_a_command_knows_its_options(line):
    known, arguments = parser(line)
    known.parse(arguments)
    with pytest.raises(CommandError, match="-nonesuch"):
        known.parse([*arguments, "-nonesuch"])


def test_every_module_that_is_run_is_there():
    modules = set(re.findall(r"python -m ([a-z_][\w.]*\w)", TEXT))
    assert len(modules) > 5
    missing = [
        module
        for module in modules
        if module.partition(".")[0] in ("saliency", "benchmarks", "training") and not find_spec(module)
    ]
    assert not missing


def test_every_target_of_make_is_there():
    targets = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", TEXT, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split())
    assert {"demo", "docs", "pictures", "test"} <= targets <= known

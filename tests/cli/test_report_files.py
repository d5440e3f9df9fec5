"""``saliency report``: what it refuses, and what is left of a run that ends early."""

import sys
from pathlib import Path

import pytest

from saliency.cli.page import run as page_run
from saliency.cli.page.template import PageTemplate
from tests.cli.report_page import EMBEDDED, read, run, table

pytest.importorskip("jinja2")
needs_torch = pytest.mark.needs("torch")
NAMES = [f"scene_{i:02d}.png" for i in range(5)]

REFUSALS = {
    "suffix": (["-out", "page.htm"], "-out (page.htm) must be a file whose name ends in .html"),
    "folder": (["-out", "none/page.html"], "cannot be written"),
    "channel twice": (["-out", "page.html", "-chn", "4", "4"], "-chn (4 4) names a channel twice"),
    "method twice": (["-out", "page.html", "-meth", "ig", "ig"], "-meth (ig ig) names a method twice"),
    "method": (["-out", "page.html", "-meth", "gradcm"], "invalid choice"),
    "size": (["-out", "page.html", "-size", "9999"], "-size (=9999) must be between 32 and 512 pixels"),
    "no method of that name": (["-out", "page.html", "-set", "igg.x_steps=3"], "there is no method 'igg'"),
    "another method's option": (["-out", "page.html", "-set", "ig.x_steps=3"], "-set ig.x_steps=... is for a method that is not in -meth (guided)"),
    "no option": (["-out", "page.html", "-set", "x_steps=3"], "-set x_steps=... is not an option of guided"),
    "the inputs, which are no option": (["-out", "page.html", "-set", "x=3"], "-set x=... is not an option of guided"),
    "channel": (["-out", "page.html", "-chn", "11"], "must be between 1 and 10"),
}  # fmt: skip
WITH_THE_NETWORK = {"another method's option", "no option", "the inputs, which are no option", "channel"}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=needs_torch if case in WITH_THE_NETWORK else ()) for case in REFUSALS]
)
def test_refusals_say_why_in_one_line_and_write_nothing(case, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, message = REFUSALS[case]
    status, printed, errors = run(capsys, *EMBEDDED, "-stim", table(tmp_path, NAMES), *arguments)
    assert (status, printed) == (2, "") and message in errors and len(errors.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["some.stim.csv"]


def test_jinja2_that_is_not_installed_is_told_with_its_cure(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    status, _, errors = run(capsys, *EMBEDDED, "-stim", table(tmp_path, NAMES), "-out", tmp_path / "page.html")
    assert status == 2
    assert errors == "saliency report: error: Jinja2 is not installed; run pip install 'saliency-masks[report]'\n"


@needs_torch
def test_options_go_to_the_methods_that_take_them(tmp_path, capsys):
    out = tmp_path / "page.html"
    status, *_ = run(capsys, *EMBEDDED, "-meth", "gradcam", "ig", "guided", "-set", "ig.x_steps=3", "layer=conv4",
                     "-stim", table(tmp_path, NAMES[:1]), "-out", out)  # fmt: skip
    told = [element[2] for element in read(out).all("code")]
    assert status == 0 and told == ["x_steps=3", "layer=conv4"]


@needs_torch
def test_what_exists_is_kept_unless_overwriting(tmp_path, capsys):
    out = tmp_path / "page.html"
    out.write_text("mine")
    arguments = [*EMBEDDED, "-stim", table(tmp_path, NAMES[:1]), "-out", out]
    status, _, errors = run(capsys, *arguments)
    assert status == 2 and "use -overwrite" in errors and out.read_text() == "mine"
    assert run(capsys, *arguments, "-overwrite")[0] == 0 and read(out).names == NAMES[:1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "some.stim.csv"]


@needs_torch
def test_a_run_that_ends_early_leaves_no_page_and_goes_on(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(page_run, "ROWS_PER_BLOCK", 2)
    stim = table(tmp_path, [*NAMES, "none.png"])
    assert run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "whole.html")[0] == 1
    original, calls, out = PageTemplate.rows, [], tmp_path / "page.html"

    def rows(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(PageTemplate, "rows", rows)
    status, _, errors = run(capsys, *EMBEDDED, "-stim", stim, "-out", out)
    assert status == 130 and "run the same command again to resume" in errors
    hidden = [".page.html.journal", ".page.html.rows"]
    assert sorted(path.name for path in tmp_path.glob(".*")) == hidden and not out.exists()
    with (tmp_path / hidden[1]).open("ab") as file:
        file.write(b"<li>half a row, of a run that was killed before it told of it")
    status, _, errors = run(capsys, *EMBEDDED, "-stim", stim, "-out", out, "-meth", "vanilla")
    assert status == 2 and "an unfinished run with other arguments: -meth (was ['guided'], is now ['vanilla'])" in errors
    status, printed, errors = run(capsys, *EMBEDDED, "-stim", stim, "-out", out)
    assert status == 1 and "resuming after 2 stimuli" in errors and printed == "Finish: 4/6\nFinish: 6/6\n"
    assert out.read_bytes() == (tmp_path / "whole.html").read_bytes()
    assert not list(tmp_path.glob(".*"))


class Killed(BaseException):
    """As good as a kill: what the command does in the way of tidying is not done either."""


@needs_torch
def test_whenever_it_is_killed_at_its_end_the_same_command_ends_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(page_run, "ROWS_PER_BLOCK", 2)
    stim, original = table(tmp_path, [*NAMES, "none.png"]), Path.unlink
    assert run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "whole.html")[0] == 1
    for at in range(10):
        out, gone = tmp_path / f"{at}.html", []

        def unlink(path, at=at, gone=gone, **options):
            if len(gone) >= at:
                raise Killed
            if path.exists():
                gone.append(path.name)
            original(path, **options)

        arguments = [*EMBEDDED, "-stim", stim, "-out", out]
        monkeypatch.setattr(Path, "unlink", unlink)
        try:
            status = run(capsys, *arguments)[0]
        except Killed:
            status = None
            capsys.readouterr()
        monkeypatch.setattr(Path, "unlink", original)
        left = {path.name.rpartition(".")[2] for path in tmp_path.glob(f".{at}.html.*")}
        if status is not None:
            assert status == 1 and left == set() and gone == [f".{at}.html.rows", f".{at}.html.journal"]
            break
        assert left in ({"journal", "rows"}, {"journal"})  # never rows that nobody knows of
        status, printed, errors = run(capsys, *arguments)
        assert status == 1 and "5 done, 1 failed" in errors and "Finish: 2/6" not in printed
        assert out.read_bytes() == (tmp_path / "whole.html").read_bytes() and not list(tmp_path.glob(".*"))
    assert at == 2


@needs_torch
def test_rows_that_are_lost_are_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(page_run, "ROWS_PER_BLOCK", 2)
    arguments = [*EMBEDDED, "-stim", table(tmp_path, [*NAMES[:2], "none.png"]), "-out", tmp_path / "page.html"]
    assert run(capsys, *arguments, "-strict")[0] == 1
    (tmp_path / ".page.html.rows").write_bytes(b"")
    status, _, errors = run(capsys, *arguments)
    assert status == 2 and ".page.html.rows lacks rows that .page.html.journal lists as done" in errors


@needs_torch
def test_a_run_that_did_nothing_leaves_nothing(tmp_path, capsys):
    stim = table(tmp_path, ["none.png", *NAMES])
    assert run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "page.html", "-strict")[0] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["some.stim.csv"]

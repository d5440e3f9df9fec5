"""Errors of ``saliency report``, and runs that end early."""

import sys
from pathlib import Path

import pytest

from saliency.cli.report import run as page_run
from saliency.cli.report.template import PageTemplate
from tests.cli.report_page import read, run
from tests.cli.saliency_command import BUNDLED, table

pytest.importorskip("jinja2")
needs_torch = pytest.mark.needs("torch")
NAMES = [f"scene_{i:02d}.png" for i in range(5)]

ERRORS_BY_CASE = {
    "suffix": (["-out", "page.htm"], "-out (page.htm) must be a file whose name ends in .html"),
    "folder": (["-out", "none/page.html"], "cannot be written"),
    "channel twice": (["-out", "page.html", "-chn", "4", "4"], "-chn (4 4) names a channel twice"),
    "method twice": (["-out", "page.html", "-meth", "ig", "ig"], "-meth (ig ig) names a method twice"),
    "method": (["-out", "page.html", "-meth", "gradcm"], "did you mean gradcam?"),
    "size": (["-out", "page.html", "-size", "9999"], "-size (=9999) must be between 32 and 512 pixels"),
    "no method of that name": (["-out", "page.html", "-set", "igg.x_steps=3"], "there is no method 'igg'"),
    "another method's option": (["-out", "page.html", "-set", "ig.x_steps=3"], "-set ig.x_steps=... is for a method that is not in -meth (guided)"),
    "no option": (["-out", "page.html", "-set", "x_steps=3"], "-set x_steps=... is not an option of guided"),
    "the inputs, which are no option": (["-out", "page.html", "-set", "x=3"], "-set x=... is not an option of guided"),
    "channel": (["-out", "page.html", "-chn", "11"], "must be between 1 and 10"),
}  # fmt: skip
NETWORK_CASES = {"another method's option", "no option", "the inputs, which are no option", "channel"}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=needs_torch if case in NETWORK_CASES else ()) for case in ERRORS_BY_CASE]
)
def test_errors_are_one_line_and_nothing_is_written(case, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, message = ERRORS_BY_CASE[case]
    status, printed, errors = run(capsys, *BUNDLED, "-stim", table(tmp_path, NAMES), *arguments)
    assert (status, printed) == (2, "") and message in errors and len(errors.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["some.stim.csv"]


def test_a_missing_jinja2_is_an_error_with_the_install_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    status, _, errors = run(capsys, *BUNDLED, "-stim", table(tmp_path, NAMES), "-out", tmp_path / "page.html")
    assert status == 2
    assert errors == "saliency report: error: Jinja2 is not installed; run pip install 'saliency-masks[report]'\n"


@needs_torch
def test_settings_go_to_the_methods_that_have_them(tmp_path, capsys):
    out = tmp_path / "page.html"
    status, *_ = run(capsys, *BUNDLED, "-meth", "gradcam", "ig", "guided", "-set", "ig.x_steps=3", "layer=conv4",
                     "-stim", table(tmp_path, NAMES[:1]), "-out", out)  # fmt: skip
    texts = [element[2] for element in read(out).all("code")]
    assert status == 0 and texts == ["x_steps=3", "layer=conv4"]


@needs_torch
def test_existing_files_are_replaced_only_with_overwrite(tmp_path, capsys):
    out = tmp_path / "page.html"
    out.write_text("mine")
    arguments = [*BUNDLED, "-stim", table(tmp_path, NAMES[:1]), "-out", out]
    status, _, errors = run(capsys, *arguments)
    assert status == 2 and "use -overwrite" in errors and out.read_text() == "mine"
    assert run(capsys, *arguments, "-overwrite")[0] == 0 and read(out).names == NAMES[:1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "some.stim.csv"]


@needs_torch
def test_a_run_that_ends_early_leaves_no_page_and_can_be_resumed(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(page_run, "ROWS_PER_BLOCK", 2)
    stim = table(tmp_path, [*NAMES, "none.png"])
    assert run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path / "whole.html")[0] == 1
    original, calls, out = PageTemplate.rows, [], tmp_path / "page.html"

    def rows(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(PageTemplate, "rows", rows)
    status, _, errors = run(capsys, *BUNDLED, "-stim", stim, "-out", out)
    assert status == 130 and "run the same command again to resume" in errors
    hidden = [".page.html.journal", ".page.html.rows"]
    assert sorted(path.name for path in tmp_path.glob(".*")) == hidden and not out.exists()
    with (tmp_path / hidden[1]).open("ab") as file:
        file.write(b"<li>half a row, of a run that was killed before it recorded it")
    status, _, errors = run(capsys, *BUNDLED, "-stim", stim, "-out", out, "-meth", "vanilla")
    assert status == 2 and "an unfinished run with other arguments: -meth (was ['guided'], is now ['vanilla'])" in errors
    status, printed, errors = run(capsys, *BUNDLED, "-stim", stim, "-out", out)
    assert status == 1 and "resuming after 2 stimuli" in errors and printed == "Finish: 4/6\nFinish: 6/6\n"
    assert out.read_bytes() == (tmp_path / "whole.html").read_bytes()
    assert not list(tmp_path.glob(".*"))


def interrupt(*arguments):
    raise KeyboardInterrupt


class Killed(BaseException):
    """Raised instead of killing the process; while it is raised, no file can be removed."""


@needs_torch
def test_a_run_that_is_killed_at_its_end_can_be_resumed(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(page_run, "ROWS_PER_BLOCK", 2)
    stim, original = table(tmp_path, [*NAMES, "none.png"]), Path.unlink
    assert run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path / "whole.html")[0] == 1
    for at in range(10):
        out, gone = tmp_path / f"{at}.html", []

        def unlink(path, at=at, gone=gone, **options):
            if len(gone) >= at:
                raise Killed
            if path.exists():
                gone.append(path.name)
            original(path, **options)

        arguments = [*BUNDLED, "-stim", stim, "-out", out]
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
        assert left in ({"journal", "rows"}, {"journal"})  # never rows without a journal
        status, printed, errors = run(capsys, *arguments)
        assert status == 1 and "5 done, 1 failed" in errors and "Finish: 2/6" not in printed
        assert out.read_bytes() == (tmp_path / "whole.html").read_bytes() and not list(tmp_path.glob(".*"))
    assert at == 2


@needs_torch
@pytest.mark.parametrize("damage", ["missing", "changed", "planted"])
def test_damaged_rows_are_computed_again(damage, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(page_run, "ROWS_PER_BLOCK", 2)
    arguments = [*BUNDLED, "-stim", table(tmp_path, NAMES[:4]), "-out"]
    assert run(capsys, *arguments, tmp_path / "whole.html")[0] == 0
    rows, arguments = tmp_path / ".page.html.rows", [*arguments, tmp_path / "page.html"]
    with monkeypatch.context() as patch:
        patch.setattr(PageTemplate, "page", interrupt)
        assert run(capsys, *arguments)[0] == 130
    content = rows.read_bytes()
    if damage == "changed":
        rows.write_bytes(content[:-20] + b"x" + content[-19:])
    else:
        rows.unlink()
    if damage == "planted":
        rows.symlink_to(tmp_path / "whole.html")
        status, _, errors = run(capsys, *arguments)
        assert status == 2 and ".page.html.rows: is a link" in errors
        rows.unlink()
    status, printed, errors = run(capsys, *arguments)
    again = "1 is" if damage == "changed" else "2 are"
    assert status == 0 and f"of 2 finished blocks of rows, {again} missing or damaged and will be computed again" in errors
    assert printed == ("Finish: 4/4\n" if damage == "changed" else "Finish: 2/4\nFinish: 4/4\n")
    assert (tmp_path / "page.html").read_bytes() == (tmp_path / "whole.html").read_bytes() and not list(tmp_path.glob(".*"))


@needs_torch
def test_a_run_without_results_leaves_no_files(tmp_path, capsys):
    stim = table(tmp_path, ["none.png", *NAMES])
    assert run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path / "page.html", "-strict")[0] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["some.stim.csv"]

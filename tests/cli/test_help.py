"""The `-h` of each command fits 80 columns and its examples run as pasted; messages are wrapped to a terminal."""

import io
import re
import shlex
from functools import partial, partialmethod
from pathlib import Path

import pytest
from PIL import Image

import saliency
from saliency.cli import dnn_act, dnn_mask, dnn_saliency, main, run_log, saliency_compare, saliency_report
from saliency.cli.text_wrapping import wrap_line
from saliency.demo import __main__ as demo
from saliency.demo import steering
from saliency.io import act

COMMANDS = {
    "dnn_act": dnn_act.main,
    "dnn_mask": dnn_mask.main,
    "dnn_saliency": dnn_saliency.main,
    "saliency": main.main,
    "saliency report": lambda words: main.main(["report", *words]),
    "saliency compare": lambda words: main.main(["compare", *words]),
    "python -m saliency.demo": demo.main,
    "python -m saliency.demo.steering": steering.main,
}
OUTPUTS = {
    "dnn_act": ["scenes.act.h5", "three.act.h5"],
    "dnn_mask": ["both.act.h5", "conv6.act.h5", "two.act.h5"],
    "dnn_saliency": [f"figures/DemoNet_fc1_chn4-8_guided_RGB_fig{k}.jpg" for k in (1, 2)],
    "saliency": ["maps.html"],
    "saliency report": ["scenes.html"],
    "saliency compare": [f"comparison/{name}" for name in ("values.csv", "table.csv", "tests.csv", "comparison.png")],
    "python -m saliency.demo": [f"demo/{name}" for name in ("figures.md", "gallery.png", "transformer.png", "shortcut.png")],
    "python -m saliency.demo.steering": ["steering.png"],
}
PACKAGES = {"python -m saliency.demo.steering": "tensorflow", "saliency report": "jinja2", "saliency": "jinja2"}
RUN = [pytest.param(name, marks=pytest.mark.needs("torch", PACKAGES.get(name, "torch"))) for name in COMMANDS]
SCENES = demo.load_scenes()
PARSERS = {"dnn_act": dnn_act, "dnn_mask": dnn_mask, "dnn_saliency": dnn_saliency, "saliency report": saliency_report,
           "saliency compare": saliency_compare}  # fmt: skip
LINE = (
    "dnn_act: error: "
    + "/a/long/path" * 9
    + " is not a file, and this message is long enough to be wrapped twice on a terminal"
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def checkout(tmp_path, monkeypatch):
    """A working directory like the root of a checkout, with seven of the demo's scenes, and a terminal of 80 columns."""
    demo_files, folder = Path(saliency.__file__).parent / "demo", tmp_path / "saliency" / "demo"
    folder.mkdir(parents=True)
    (folder / "scenes").symlink_to(demo_files / "scenes", target_is_directory=True)
    lines = (demo_files / "scenes.stim.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 4 + 36
    (folder / "scenes.stim.csv").write_text("\n".join(lines[: 4 + 7]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def run(line):
    """Return the exit status of a command line."""
    name = max((name for name in COMMANDS if line.startswith(f"{name} ")), key=len)
    try:
        return COMMANDS[name](shlex.split(line.removeprefix(name)))
    except SystemExit as stop:
        return stop.code


def help_of(name, capsys):
    assert run(f"{name} -h") == 0
    printed = capsys.readouterr()
    assert not printed.err
    return printed.out


def examples(text):
    shown = text.partition("\nexample")[2].replace("\\\n", "")
    return [line.strip() for line in shown.splitlines() if re.match(rf"  ({'|'.join(COMMANDS)}) -?\S", line)]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_fits(name, capsys):
    text = help_of(name, capsys)
    assert text.startswith(f"usage: {name} ") and max(map(len, text.splitlines())) <= 80
    assert any(line.startswith(f"{name} ") for line in examples(text))
    assert not re.search(r"\(default:\n|[(=]$", text, re.MULTILINE)  # no line breaks inside these


@pytest.mark.parametrize("name", PARSERS)
def test_the_usage_names_required_options(name, capsys):
    usage = help_of(name, capsys).partition("\n\n")[0]
    must = [action.option_strings[0] for action in PARSERS[name]._parser()._actions if action.required]
    assert must and all(f" {option} " in usage for option in must)


@pytest.mark.parametrize("name", RUN)
def test_its_examples_run(name, checkout, capsys, monkeypatch):
    monkeypatch.setattr(demo, "METHODS", {"GuidedBackprop": demo.METHODS["GuidedBackprop"]})  # tests/demo runs all of them
    monkeypatch.setattr(demo, "GALLERY_SECTIONS", {"": ["GuidedBackprop"]})
    monkeypatch.setattr(demo, "TRANSFORMER_SECTIONS", {"": ["AttentionRollout"]})
    monkeypatch.setattr(demo, "load_scenes", lambda: SCENES[12:18] + SCENES[24:30])
    monkeypatch.setattr(demo, "PLAIN_SCENES", 6)
    two_copies = partialmethod(saliency.SaliencyMask.GetSmoothedMasks, nsamples=2)
    monkeypatch.setattr(saliency.Vanilla, "GetSmoothedMasks", two_copies, raising=False)
    monkeypatch.setattr(
        steering, "steering_network", partial(steering.steering_network, pictures=64, epochs=1)
    )  # tests/demo trains it fully
    for line in examples(help_of(name, capsys)):
        assert run(line) == 0, capsys.readouterr().err
    for file in OUTPUTS[name]:
        assert (checkout / file).stat().st_size > 100
        if file.endswith((".jpg", ".png")):
            with Image.open(checkout / file) as picture:
                picture.load()
    if name == "dnn_mask":
        assert act.read("conv6.act.h5")["conv6"].shape == (7, 3, 24, 24)
        assert {layer: found.shape[:2] for layer, found in act.read("two.act.h5").layers.items()} == {
            "conv6": (7, 1),
            "fc1": (7, 1),
        }
    if name == "dnn_act":
        assert act.read("scenes.act.h5")["fc1"].shape == (7, 10, 1, 1) and act.read("three.act.h5")["conv6"].shape[1:] == (
            3,
            1,
            1,
        )


def test_lines_are_wrapped_between_words_on_a_terminal():
    lines = wrap_line(LINE, Terminal()).splitlines()
    assert "/a/long/path" * 9 in (line.strip() for line in lines)
    assert all(len(line) <= 80 for line in lines if "/" not in line) and len(lines) > 2
    assert " ".join(map(str.strip, lines)) == LINE


def test_lines_are_not_wrapped_in_a_file():
    assert wrap_line(LINE, io.StringIO()) == LINE


def test_messages_are_wrapped_on_a_terminal(monkeypatch):
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    assert dnn_mask.main(["-act", "no such file " * 9, "-out", "out.act.h5"]) == 2
    run_log.RunLog("dnn_saliency", 3).add_failure("a.png", Path("a.png"), "read", "MISSING", "no such file " * 9)
    lines = terminal.getvalue().splitlines()
    assert len(lines) >= 4 and max(map(len, lines)) <= 80

"""Random calls of the commands in this process: exit status 0, 1 or 2, and with ``-debug`` one error of this library."""

import contextlib
import importlib.util
import io
import os
from pathlib import Path

from saliency.cli import dnn_act, dnn_mask, dnn_saliency, saliency_compare, saliency_report
from saliency.demo.scenes import HERE
from saliency.io import act
from tests.fuzz.file_calls import VALUES
from tests.fuzz.option_calls import AWKWARD_OPTIONS, Drawn

AWKWARD_WORDS = (
    "", " ", "-1", "0", "1", "2.5", "1e999", "nan", "-inf", "9" * 5000, "x" * 5000, "\udcff", "é", "a b", "*", "..", ".", "/", "/dev/null",
    "missing.pt", "missing.keras", "y" * 3000 + ".pt", "no.module:function", "os:system", "file.py:f", "None", "True", "[1,2]", "a=b",
    "=", "x_steps=0", "x_steps=9" * 9, "layer=none", "a.stim.csv", "folder", "cpu", "cuda:99", "-", "--", "-chn", "@file", "a\nb", "٣", "²",
    "a.dmask.csv", "\0", "a\0b.pt",
)  # fmt: skip
NETWORK = {"-net": ["DemoNet"], "-weights": [None], "-framework": [None, "torch"], "-device": [None, "cpu"], "-batch": [None, "2"],
           "-trust": [None, ()]}  # fmt: skip
STIMULI = {"-stim": ["a.stim.csv"], "-frame": [None, "1"], "-no-exif": [None, ()], "-float-range": [None, ("0", "1")],
           "-max-pixels": [None, "10000"], "-max-errors": [None, "0"], "-allow-duplicates": [None, ()]}  # fmt: skip
COMMANDS = {
    "dnn_saliency": (dnn_saliency.main, {
        **NETWORK, **STIMULI, "-layer": ["fc1", "conv6"], "-chn": ["1", ("2", "3")], "-meth": ["vanilla", "guided", None],
        "-set": [None], "-smooth": [None, "2"], "-mode": [None, "gray"], "-cmap": [None, "viridis"], "-vmin": [None, "0"],
        "-vmax": [None, "200", "-5"], "-units": [None], "-save": [None, "npz", "h5"], "-out": ["maps"], "-overwrite": [()],
    }),
    "dnn_act": (dnn_act.main, {
        **NETWORK, **STIMULI, "-layer": ["fc1", ("conv6", "fc1")], "-chn": [None, "1"], "-dmask": [None], "-out": ["new.act.h5"],
        "-overwrite": [()],
    }),
    "dnn_mask": (dnn_mask.main, {
        "-act": ["a.act.h5"], "-layer": ["conv", None, ("conv", "fc")], "-chn": [None, "1"], "-dmask": [None], "-stim": [None],
        "-out": ["part.act.h5"],
    }),
    "saliency report": (saliency_report.main, {
        **NETWORK, **STIMULI, "-layer": ["fc1"], "-chn": ["1"], "-meth": ["vanilla", ("vanilla", "guided")], "-set": [None],
        "-mode": [None, "strength"], "-size": ["32"], "-out": ["page.html"], "-overwrite": [()],
    }),
    "saliency compare": (saliency_compare.main, {
        **NETWORK, **STIMULI, "-layer": ["fc1"], "-chn": ["1"], "-meth": ["vanilla"], "-set": [None],
        "-metric": ["sparseness", ("deletion", "complexity")], "-metric-set": [None], "-seed": [None, "1"], "-out": ["compared"],
        "-overwrite": [()],
    }),
}  # fmt: skip


def prepare(folder):
    """Write what the commands read into a folder, and return the commands that can run here: name -> (main, options)."""
    names = "scene_00.png\nscene_01.png\nmissing.png"
    (folder / "a.stim.csv").write_text(f"type=image\npath={HERE}/scenes\ndata=stimID\n{names}")
    (folder / "folder").mkdir(exist_ok=True)
    act.write({"conv": VALUES, "fc": VALUES[:, :, 0, 0]}, folder / "a.act.h5")
    needed = {"saliency report": ("torch", "jinja2"), "dnn_mask": ()}
    there = {name: all(map(importlib.util.find_spec, needed.get(name, ("torch",)))) for name in COMMANDS}
    return {name: command for name, command in COMMANDS.items() if there[name]}


def _run(main, words, folder):
    before, written = Path.cwd(), io.StringIO()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(written), contextlib.redirect_stderr(written):
            return main([*words, "-debug"])
    except SystemExit as error:  # argparse's help
        raise AssertionError("the command exits instead of returning its status") from error
    finally:
        os.chdir(before)


def _check(status):
    assert status in (0, 1, 2), f"the exit status is {status!r}"


def draw_command(commands, folder, choose):
    """Return a random call of one of the commands."""
    name = choose(tuple(commands))
    main, options = commands[name]
    awkward, words = {choose(tuple(options)) for _ in range(choose(AWKWARD_OPTIONS))}, []
    for option, valid in options.items():
        value = choose(AWKWARD_WORDS) if option in awkward else choose(tuple(valid))
        if value is not None:
            words += [option, value] if isinstance(value, str) else [option, *value]
    return Drawn(f"{name} {' '.join(map(repr, words))}"[:400], lambda: _run(main, words, folder), _check)
